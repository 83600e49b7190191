"""When a training's products are bfloat16."""

import numpy as np
import pytest
import torch

from models import precision
from models.config import Compute, Model, Training
from models.errors import ModelError
from models.plan import Plan, make_plan
from models.precision import is_same, settled_precision
from models.windows import TrainingData

CPU = torch.device("cpu")


def plan_of(data: TrainingData, asked: str) -> Plan:
    config = Training(model=Model(embedding_dim=8, hidden_dim=12), batch_size=11, precision=asked)
    return make_plan(data, config, CPU, lambda _: None)


def settled(data: TrainingData, asked: str) -> str:
    return settled_precision(plan_of(data, asked), data.n_items, Compute(device="cpu", threads=1))


@pytest.mark.parametrize(
    ("native", "agreed", "expected"), [(True, True, "bf16"), (True, False, "fp32"), (False, True, "fp32")]
)
def test_auto_wants_hardware_and_a_trial(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch, native: bool, agreed: bool, expected: str
) -> None:
    monkeypatch.setattr(precision, "is_native", lambda _: native)
    monkeypatch.setattr(precision, "is_same", lambda *_: agreed)
    assert settled(data, "auto") == expected


def test_the_trial_moves_no_random_state(data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "is_native", lambda _: True)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    settled(data, "auto")
    assert torch.equal(torch.rand(4), expected)


def test_bf16_by_name_wants_hardware(data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settled(data, "fp32") == "fp32"
    monkeypatch.setattr(precision, "is_native", lambda _: True)
    assert settled(data, "bf16") == "bf16"
    monkeypatch.setattr(precision, "is_native", lambda _: False)
    with pytest.raises(ModelError, match="no bfloat16 of its own"):
        settled(data, "bf16")


def test_losses_are_the_same_within_their_noise() -> None:
    draw = np.random.default_rng(0)
    exact = draw.normal(5, 0.5, 40)
    assert is_same(exact, exact + draw.normal(0, 0.05, 40))
    assert is_same(exact, exact + 0.005)  # a tenth of a percent, however sure
    assert not is_same(exact, exact + 0.05)
    assert not is_same(exact, exact + 0.05 + draw.normal(0, 0.01, 40))
    assert not is_same(exact, np.where(np.arange(40) == 7, np.nan, exact))
