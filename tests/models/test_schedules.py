"""Shares of the rate against torch's schedulers and by hand."""

from collections.abc import Callable

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from models.config import Duration, Schedule
from models.schedules import Plateau, rates

STEPS = 20
REFERENCES: dict[str, Callable[[SGD], lr_scheduler.LRScheduler]] = {
    "constant": lambda sgd: lr_scheduler.ConstantLR(sgd, factor=1),
    "linear": lambda sgd: lr_scheduler.LinearLR(sgd, start_factor=1, end_factor=0.1, total_iters=STEPS),
    "exponential": lambda sgd: lr_scheduler.ExponentialLR(sgd, 0.1 ** (1 / STEPS)),
    "cosine": lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, STEPS, eta_min=0.1),
    "step": lambda sgd: lr_scheduler.StepLR(sgd, 7, 0.5),
}


def reference(name: str) -> list[float]:
    sgd = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = REFERENCES[name](sgd)
    shares = []
    for _ in range(STEPS):
        shares.append(scheduler.get_last_lr()[0])
        sgd.step()
        scheduler.step()
    return shares


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("warmup", [0, 4])
def test_shares_equal_torchs_after_a_straight_warm_up(name: str, warmup: int) -> None:
    schedule = Schedule.model_validate(
        {
            "name": name,
            "floor": 0.1,
            "every": Duration(value=7, unit="steps"),
            "warmup": Duration(value=warmup, unit="steps") if warmup else None,
        }
    )
    course = rates(schedule, STEPS + warmup, steps_per_epoch=5, batch_size=10)
    shares = [course.share(step) for step in range(STEPS + warmup)]
    assert shares[:warmup] == [0.25, 0.5, 0.75, 1.0][:warmup]
    assert shares[warmup:] == pytest.approx(reference(name))


def test_falls_by_step_stop_at_the_floor() -> None:
    schedule = Schedule(name="step", factor=0.1, floor=0.05, every=Duration(value=1))
    course = rates(schedule, 100, steps_per_epoch=10, batch_size=10)
    assert [course.share(step) for step in (9, 10, 19, 20, 99)] == [1.0, 0.1, 0.1, 0.05, 0.05]


def test_durations_are_turned_into_whole_steps() -> None:
    schedule = Schedule(name="step", every=Duration(value=95, unit="samples"), warmup=Duration(value=0.5))
    course = rates(schedule, 100, steps_per_epoch=9, batch_size=10)
    assert (course.warmup_steps, course.every_steps) == (5, 10)
    assert rates(Schedule(), 100, 9, 10).warmup_steps == 0


@pytest.mark.parametrize("patience", [0, 2])
def test_a_plateau_falls_as_torchs_does(patience: int) -> None:
    losses = [5.0, 4.0, 4.0, 4.1, 4.2, 3.9, 3.9, 3.95, 4.0, 4.0, 3.9, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    sgd = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    torchs = lr_scheduler.ReduceLROnPlateau(sgd, factor=0.5, patience=patience, threshold=0, min_lr=0.2, eps=0)
    own = Plateau()
    for loss in losses:
        torchs.step(loss)
        own.consider(loss, Schedule(name="plateau", factor=0.5, patience=patience, floor=0.2))
        assert own.share == sgd.param_groups[0]["lr"]
    assert own.share < 1


def test_a_plateau_means_nothing_to_other_schedules() -> None:
    own = Plateau()
    for _ in range(9):
        own.consider(1.0, Schedule(name="cosine", patience=0))
    assert own == Plateau()
