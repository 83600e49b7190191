"""What keeps a training from being lost: when to take checkpoints, and how to stop without losing a step."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from models.backend import Precision
from models.checkpoint import Checkpoint, restore, taken
from models.config import Training
from models.course import Course
from models.device import reseed
from models.errors import TrainingStoppedError
from models.seeds import Stream, torch_seed
from models.world import World

_SECONDS_BETWEEN = 60.0
_MOST_OF_THE_TIME = 0.02
_GO_ON, _SAVE, _STOP = range(3)  # the more urgent the larger


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

    Several processes that train together agree before every step: where one is asked to stop all do, and where one
    that saves is due all hand their sums to the first, which so has what one process alone would have.

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
            _go_on(course, keeping.resume)

    def before_step(self) -> None:
        """Take a checkpoint if it is time.

        Raises
        ------
        StopAskedError
            If a stop was asked for.
        """
        wish = _STOP if self._keeping.must_stop() else _SAVE if self._is_due() else _GO_ON
        wish = self._course.state.world.largest(wish)
        if wish == _STOP:
            raise StopAskedError
        if wish == _SAVE:
            self._save()

    def in_evaluation(self) -> None:
        """Look for a stop; an evaluation that is left so is made again from its beginning.

        Processes that evaluate together are at different batches, so they look again before the next step.

        Raises
        ------
        StopAskedError
            If a stop was asked for.
        """
        if self._course.state.world.size == 1 and self._keeping.must_stop():
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

    def _is_due(self) -> bool:
        return self._keeping.save is not None and time.monotonic() - self._last >= self._interval_s

    def _save(self) -> None:
        for sums in self._course.sums:
            self._course.state.world.collect_(sums)
        if self._keeping.save is None:
            return
        started = time.monotonic()
        self._keeping.save(taken(self._course))
        self._last = time.monotonic()
        self._cost_s = self._last - started


def dropout_seed(config: Training, world: World, step: int) -> int:
    """Say what a process's dropout draws from: the first one's as if it were alone, another's apart from it.

    Parameters
    ----------
    config
        The question.
    world
        The processes that train together.
    step
        Updates made when it begins.

    Returns
    -------
    int
        A seed for torch.
    """
    return torch_seed(config.seed, Stream.DROPOUT, *((world.rank, step) if world.rank else ()))


def _go_on(course: Course, checkpoint: Checkpoint) -> None:
    """Restore; of several processes the first has the sums and the random state that were kept."""
    restore(course, checkpoint)
    state = course.state
    if state.world.rank:
        for sums in course.sums:
            sums.zero_()
        reseed(course.plan.train.device, dropout_seed(state.config, state.world, checkpoint.step))
