"""What keeps a training from being lost: when to take checkpoints, and how to stop without losing a step."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from models.backend import Precision
from models.checkpoint import Checkpoint, restore, taken
from models.course import Course
from models.errors import TrainingStoppedError

_SECONDS_BETWEEN = 60.0
_MOST_OF_THE_TIME = 0.02


@dataclass(frozen=True)
class Keeping:
    """Where checkpoints come from and go to, and what asks to stop."""

    resume: Checkpoint | None = None  # None begins anew
    save: Callable[[Checkpoint], None] | None = None  # None keeps none
    must_stop: Callable[[], bool] = lambda: False  # asked before every step: cheap

    @property
    def precision(self) -> Precision | None:
        """Of the training that is gone on with, whatever a trial would say here; None begins anew."""
        return None if self.resume is None else self.resume.records["precision"]


class StopAskedError(Exception):
    """Leaves the loop from wherever the stop was noticed."""


class Keeper:
    """Puts a training where its checkpoint was taken, then takes others while it runs.

    Of several processes that train together one saves; that all of them stop at the same step is the part of
    ``must_stop``.

    Parameters
    ----------
    course
        Before its first step.
    keeping
        Where from and where to.
    every_s
        Seconds between two checkpoints; None for a minute, or longer where that would cost too much.
    """

    def __init__(self, course: Course, keeping: Keeping, every_s: float | None) -> None:
        self._course = course
        self._keeping = keeping
        self._every_s = every_s
        self._last = time.monotonic()
        self._cost_s = 0.0  # of the last checkpoint
        if keeping.resume is not None:
            restore(course, keeping.resume)

    def before_step(self) -> None:
        """Take a checkpoint if it is time.

        Raises
        ------
        StopAskedError
            If a stop was asked for.
        """
        self.in_evaluation()
        if time.monotonic() - self._last >= self._interval_s:
            self._save()

    def in_evaluation(self) -> None:
        """Look for a stop; an evaluation that is left so is made again from its beginning.

        Raises
        ------
        StopAskedError
            If a stop was asked for.
        """
        if self._keeping.must_stop():
            raise StopAskedError

    def stop(self) -> NoReturn:
        """Take a last checkpoint and end the training.

        Raises
        ------
        TrainingStoppedError
            Always.
        """
        self._course.journal.watch.forget()  # of an evaluation that was left
        self._save()
        raise TrainingStoppedError(self._course.state.step)

    @property
    def _interval_s(self) -> float:
        if self._every_s is not None:
            return self._every_s
        return max(_SECONDS_BETWEEN, self._cost_s / _MOST_OF_THE_TIME)

    def _save(self) -> None:
        if self._keeping.save is None:
            return
        started = time.monotonic()
        self._keeping.save(taken(self._course))
        self._last = time.monotonic()
        self._cost_s = self._last - started
