"""What is recorded when; its numbers have tests of their own."""

import math
from collections.abc import Callable

import pytest
import torch

from models import instruments
from models.config import Compute, Optimizer, Training
from models.curves import Moment, NormRecord
from models.gru import build_model
from models.instruments import Instruments
from models.plan import make_plan
from models.state import StepOutcome, begin
from models.training import TrainedModel, train
from models.windows import TrainingData

MEASURED = ("weight", "update", "update_to_weight", "first_moment", "root_second_moment", "effective_step")


@pytest.fixture
def result(
    data: TrainingData, tiny: Callable[..., Training], compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> TrainedModel:
    monkeypatch.setattr(instruments, "MEASURE_STEPS", 3)
    return train(data, tiny(), compute, lambda _: None)


def test_gradients_are_told_at_every_step_in_the_phase_of_the_step(result: TrainedModel) -> None:
    records = [record for record in result.norms if record.quantity == "step_gradient"]
    assert [record.step for record in records[::3]] == list(range(1, 15))
    assert [record.group for record in records[:3]] == ["embedding", "gru", "output"]
    assert [record.phase for record in records[::3]] == [1, 1, 2, 2, 3, 3, 4] * 2
    for step in result.steps:
        own = [record.value for record in records if record.step == step.step]
        assert math.hypot(*own) == pytest.approx(step.grad_norm)


def test_updates_are_measured_at_the_ends_of_phases_and_regularly_between(result: TrainedModel) -> None:
    for quantity in MEASURED:
        places = [(r.step, r.phase) for r in result.norms if (r.quantity, r.group) == (quantity, "gru")]
        steps = [2, 3, 4, 6, 7, 9, 11, 12, 13, 14]
        assert places == list(zip(steps, [1, 2, 2, 3, 4, 1, 2, 3, 3, 4], strict=True))


def test_an_update_is_what_the_very_step_added(
    data: TrainingData, tiny: Callable[..., Training], compute: Compute
) -> None:
    result = train(data, tiny(optimizer=Optimizer(name="sgd", lr=0.5)), compute, lambda _: None)
    sizes = {(r.step, r.group, r.quantity): r.value for r in result.norms}
    updates = [key for key in sizes if key[2] == "update"]
    assert len(updates) == 8 * 3
    for step, group, quantity in updates:
        gradient = sizes[step, group, "step_gradient"]
        assert sizes[step, group, quantity] == pytest.approx(0.5 * gradient, rel=1e-3)


def test_evaluations_tell_means_since_the_last(data: TrainingData, tiny: Callable[..., Training]) -> None:
    config = tiny()
    plan = make_plan(data, config, torch.device("cpu"), lambda _: None)
    state = begin(build_model(config.model, data.n_items, 0), config, plan.scoring)
    state.gradient_sum_G, state.n_summed = torch.tensor([2.0, 4.0, 8.0]), 4
    state.clipped_sum_G = torch.tensor([0.0, 1.0, 4.0])
    own = Instruments(plan, state)
    own.note_evaluation(state, Moment(4, 0.5, 1))
    assert own.norms() == [
        NormRecord(4, 0.5, 1, group, quantity, value)
        for quantity, values in (("gradient", (0.5, 1.0, 2.0)), ("clipped_share", (0.0, 0.25, 1.0)))
        for group, value in zip(("embedding", "gru", "output"), values, strict=True)
    ]


def test_a_refused_step_leaves_its_gradient_and_no_visit(
    data: TrainingData, tiny: Callable[..., Training], compute: Compute
) -> None:
    config = tiny()
    plan = make_plan(data, config, torch.device("cpu"), lambda _: None)
    state = begin(build_model(config.model, data.n_items, 0), config, plan.scoring)
    own = Instruments(plan, state)
    own.before_step(1, ends_phase=True)
    refused = StepOutcome(float("nan"), 1.0, 3, (0.5, 0.5, 0.5), None)
    own.after_step(state, refused, torch.tensor([0, 1]), 1)
    assert [record.quantity for record in own.norms()] == ["step_gradient"] * 3
    assert own.ages.tell(1, 1) == []
