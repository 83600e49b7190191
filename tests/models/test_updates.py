"""What a step did, by hand."""

import pytest
import torch

from models.batches import on_device
from models.config import Model, Optimizer, Training
from models.evaluation import Scoring
from models.gru import build_model
from models.state import TrainingState, begin, take_step
from models.updates import measure_update, weights_now
from models.windows import TrainingData

SCORING = Scoring((5,), "expected")


def after_two_steps(data: TrainingData, optimizer: Optimizer) -> tuple[TrainingState, list[torch.Tensor]]:
    model = build_model(Model(embedding_dim=8, hidden_dim=12), data.n_items, seed=2)
    state = begin(model, Training(optimizer=optimizer), SCORING)
    batch = on_device(data.train, torch.device("cpu")).cut(slice(20, 31))
    take_step(state, batch, SCORING)
    before_P = weights_now(state.groups)
    take_step(state, batch, SCORING)
    return state, before_P


def test_measures_equal_those_by_hand(data: TrainingData) -> None:
    config = Optimizer(lr=0.01, beta1=0.8, beta2=0.9, eps=1e-4)
    state, before_P = after_two_steps(data, config)
    measures = {quantity: value_G.tolist() for quantity, value_G in measure_update(state, before_P).items()}
    for place, name in enumerate(("embedding", "gru", "output")):
        parameters = list(getattr(state.model, name).parameters())
        moments = [state.optimizer.state[parameter] for parameter in parameters]
        first = torch.cat([moment["exp_avg"].flatten() for moment in moments])
        second = torch.cat([moment["exp_avg_sq"].flatten() for moment in moments])
        now = torch.cat([parameter.detach().flatten() for parameter in parameters])
        members = zip(state.groups.parameters, before_P, strict=True)
        old = torch.cat([tensor.flatten() for own, tensor in members if any(own is p for p in parameters)])
        effective = (0.01 / ((second / (1 - 0.9**2)).sqrt() + 1e-4))[second > 0]
        expected = {
            "weight": now.norm(),
            "update": (now - old).norm(),
            "update_to_weight": (now - old).norm() / now.norm(),
            "first_moment": first.norm(),
            "root_second_moment": second.sqrt().norm(),
            "effective_step": effective.mean(),
        }
        assert {quantity: values[place] for quantity, values in measures.items()} == {
            quantity: pytest.approx(value.item(), rel=1e-4) for quantity, value in expected.items()
        }


def test_an_optimizer_without_moments_has_its_rate_as_the_effective_step(data: TrainingData) -> None:
    measures = measure_update(*after_two_steps(data, Optimizer(name="sgd", lr=0.3)))
    assert measures["effective_step"].tolist() == [pytest.approx(0.3)] * 3
    assert set(measures) == {"weight", "update", "update_to_weight", "effective_step"}
