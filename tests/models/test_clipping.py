"""Clipped gradients against torch's own functions."""

import pytest
import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from models.clipping import clip_gradients
from models.config import Clip, Model
from models.gru import NextItemGRU, build_model
from models.norms import group_parameters


def with_gradients() -> NextItemGRU:
    model = build_model(Model(embedding_dim=4, hidden_dim=6, layer_norm=True), 9, seed=0)
    model(torch.tensor([[4, 5]]), torch.tensor([2])).square().sum().backward()
    return model


def clipped(clip: Clip) -> tuple[NextItemGRU, list[float]]:
    model = with_gradients()
    groups = group_parameters(model)
    return model, clip_gradients(groups, groups.gradient_norms(), clip).tolist()


def assert_same_gradients(first: NextItemGRU, second: NextItemGRU) -> None:
    for own, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(own.grad, other.grad)


@pytest.mark.parametrize("threshold", [0.5, 1e4])
def test_a_common_norm_clips_all_groups_or_none(threshold: float) -> None:
    reference = with_gradients()
    total = clip_grad_norm_(reference.parameters(), threshold).item()
    model, flags = clipped(Clip(name="norm", threshold=threshold))
    assert_same_gradients(model, reference)
    assert flags == [float(total > threshold)] * 4


def test_each_group_is_clipped_by_its_own_norm() -> None:
    reference = with_gradients()
    norms = dict(zip(*(lambda g: (g.names, g.gradient_norms().tolist()))(group_parameters(reference)), strict=True))
    threshold = sorted(norms.values())[1] + 1e-3  # two groups are over it
    for name in norms:
        clip_grad_norm_(getattr(reference, name).parameters(), threshold)
    model, flags = clipped(Clip(name="group_norm", threshold=threshold))
    assert_same_gradients(model, reference)
    assert flags == [float(norm > threshold) for norm in norms.values()]
    assert sum(flags) == 2


def test_each_value_is_clipped_by_itself() -> None:
    reference = with_gradients()
    largest = {
        name: max(parameter.grad.abs().max().item() for parameter in getattr(reference, name).parameters())
        for name in ("embedding", "gru", "layer_norm", "output")
    }
    threshold = sorted(largest.values())[1] + 1e-3
    clip_grad_value_(reference.parameters(), threshold)
    model, flags = clipped(Clip(name="value", threshold=threshold))
    assert_same_gradients(model, reference)
    assert flags == [float(value > threshold) for value in largest.values()]


def test_none_touches_nothing() -> None:
    model, flags = clipped(Clip(threshold=1e-9))
    assert_same_gradients(model, with_gradients())
    assert flags == [0.0] * 4
