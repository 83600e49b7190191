"""Norms against torch's own."""

import pytest
import torch
from torch.nn.utils import get_total_norm

from models.config import Model
from models.gru import build_model
from models.norms import group_parameters


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (Model(embedding_dim=4, hidden_dim=6, layer_norm=True), ("embedding", "gru", "layer_norm", "output")),
        (Model(embedding_dim=6, hidden_dim=6, output="tied", output_bias=False), ("embedding", "gru")),
    ],
)
def test_norms_by_group_equal_torchs_own(config: Model, names: tuple[str, ...]) -> None:
    model = build_model(config, 9, seed=0)
    model(torch.tensor([[4, 5]]), torch.tensor([2])).square().sum().backward()
    groups = group_parameters(model)
    assert groups.names == names
    for measured_G, attribute in ((groups.weight_norms(), "data"), (groups.gradient_norms(), "grad")):
        for name, measured in zip(names, measured_G, strict=True):
            own = [getattr(p, attribute) for p in getattr(model, name).parameters()]
            torch.testing.assert_close(measured, get_total_norm(own))
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    torch.testing.assert_close(groups.gradient_norms().norm(), get_total_norm(grads))
    doubled = groups.norms([2 * weight for weight in groups.weights])
    torch.testing.assert_close(doubled, 2 * groups.weight_norms())
