"""What a training settles before its first step."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from models.config import Duration, Schedule, Training
from models.errors import ModelError
from models.plan import Phase, Plan, make_plan
from models.progress import Progress
from models.stream_orders import buffered
from models.windows import TrainingData, WindowSet


def ignore(_progress: Progress) -> None:
    pass


def plan_for(data: TrainingData, config: Training) -> Plan:
    return make_plan(data, config, torch.device("cpu"), ignore)


def test_the_probe_is_sorted_fixed_by_the_seed_and_free_of_repeats(
    data: TrainingData, tiny: Callable[..., Training]
) -> None:
    probes = [plan_for(data, tiny(seed=seed)).probe_W.tolist() for seed in (1, 1, 2)]
    assert probes[0] == probes[1] == sorted(set(probes[0]))
    assert len(probes[0]) == 20
    assert probes[0] != probes[2]
    assert plan_for(data, tiny(probe_windows=999)).probe_W.tolist() == list(range(203))


def test_steps_count_the_last_partial_batch_and_stop_at_max_steps(
    data: TrainingData, tiny: Callable[..., Training]
) -> None:
    whole, stopped = plan_for(data, tiny()), plan_for(data, tiny(max_steps=10))
    assert (whole.steps_per_epoch, whole.n_steps, whole.steps_in(1)) == (7, 14, 7)
    assert (stopped.n_steps, stopped.steps_in(0), stopped.steps_in(1)) == (10, 7, 3)
    assert stopped.evaluations(0) == (2, 4, 6, 7)
    assert stopped.evaluations(1) == (2, 3)


def test_phases_are_the_stretches_between_evaluations_and_the_whole_epoch_without(
    data: TrainingData, tiny: Callable[..., Training]
) -> None:
    plan = plan_for(data, tiny(max_steps=10))
    assert plan.phases(0) == [
        Phase(n, *span, is_evaluated=True) for n, span in enumerate([(0, 2), (2, 4), (4, 6), (6, 7)], start=1)
    ]
    assert plan.phases(1) == [Phase(1, 0, 2, is_evaluated=True), Phase(2, 2, 3, is_evaluated=True)]
    seldom = plan_for(data, tiny(epochs=4, evaluate_every=Duration(value=2)))
    assert [seldom.phases(epoch) for epoch in range(2)] == [
        [Phase(1, 0, 7, is_evaluated=is_evaluated)] for is_evaluated in (False, True)
    ]


def test_the_order_asked_for_is_drawn_with_the_seed(data: TrainingData, tiny: Callable[..., Training]) -> None:
    plan = plan_for(data, tiny(order="buffer", buffer_windows=9, seed=4))
    assert plan.visits(3).tolist() == buffered(203, 4, 3, 9).tolist()


def test_the_schedule_ends_with_the_last_step_that_is_made(data: TrainingData, tiny: Callable[..., Training]) -> None:
    plan = plan_for(data, tiny(max_steps=10, schedule=Schedule(name="linear", floor=0.5)))
    assert plan.rates.share(10) == 0.5
    assert plan.rates.share(9) > 0.5


def test_empty_splits_and_foreign_codes_are_refused(data: TrainingData, tiny: Callable[..., Training]) -> None:
    nothing = WindowSet(data.train.events, data.train.ends[:0], data.train.lengths[:0])
    with pytest.raises(ModelError, match="training split holds no windows"):
        plan_for(TrainingData(nothing, data.validation, data.test, data.n_items), tiny())
    with pytest.raises(ModelError, match="validation split holds no windows"):
        plan_for(TrainingData(data.train, nothing, data.test, data.n_items), tiny())
    with pytest.raises(ModelError, match=r"codes from 0 to 30, but the vocabulary's go from 0 to 29"):
        plan_for(TrainingData(data.train, data.validation, data.test, 29), tiny())
    below = WindowSet(np.array([-1, 2], dtype=np.int32), np.array([1]), np.array([1], dtype=np.uint8))
    with pytest.raises(ModelError, match="codes from -1"):
        plan_for(TrainingData(below, data.validation, data.test, 30), tiny())
