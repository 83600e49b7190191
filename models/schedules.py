"""The learning rate of each step, as a share of the rate that was asked for."""

import math
from dataclasses import dataclass

from models.cadence import interval_steps
from models.config import Schedule


@dataclass(frozen=True)
class Rates:
    """A schedule in steps: the share is a pure function of the step, but for the falls of a plateau."""

    schedule: Schedule
    n_steps: int  # of the whole training
    warmup_steps: int
    every_steps: int  # between two falls of ``step``

    def share(self, step: int) -> float:
        """Say the share of the rate for an update.

        Parameters
        ----------
        step
            Updates made before it, from 0.

        Returns
        -------
        float
            (step + 1) / warm-up steps in the warm-up, then 1 at first and never under the floor.
        """
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        after, floor = step - self.warmup_steps, self.schedule.floor
        progress = after / max(1, self.n_steps - self.warmup_steps)
        match self.schedule.name:
            case "linear":
                return 1 + (floor - 1) * progress
            case "exponential":
                return float(floor**progress)
            case "cosine":
                return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2
            case "step":
                return max(floor, float(self.schedule.factor ** (after // self.every_steps)))
            case "constant" | "plateau":
                return 1.0


def rates(schedule: Schedule, n_steps: int, steps_per_epoch: int, batch_size: int) -> Rates:
    """Turn a schedule's durations into steps.

    Parameters
    ----------
    schedule
        As asked.
    n_steps
        Of the whole training.
    steps_per_epoch
        At least 1.
    batch_size
        Windows a step.

    Returns
    -------
    Rates
        Durations rounded up to whole steps.
    """
    warmup, every = (
        0 if duration is None else math.ceil(interval_steps(duration, steps_per_epoch, batch_size))
        for duration in (schedule.warmup, schedule.every)
    )
    return Rates(schedule, n_steps, warmup, every)


@dataclass
class Plateau:
    """Falls of the rate when the validation loss stops falling (torch's ``ReduceLROnPlateau``, any fall counting)."""

    share: float = 1.0  # of the rate
    best: float = math.inf  # least loss so far, in nats
    n_idle: int = 0  # evaluations since

    def consider(self, loss_nats: float, schedule: Schedule) -> None:
        """Take note of an evaluation; does nothing under other schedules.

        Parameters
        ----------
        loss_nats
            Validation loss.
        schedule
            As asked.
        """
        if schedule.name != "plateau":
            return
        self.n_idle = 0 if loss_nats < self.best else self.n_idle + 1
        self.best = min(self.best, loss_nats)
        if self.n_idle > schedule.patience:
            self.share = max(schedule.floor, self.share * schedule.factor)
            self.n_idle = 0
