"""Bugs that people write, put into the project's own loop from outside for the duration of one training.

A bug replaces one function by its wrong twin, and fails loudly if the loop no longer has or calls that function.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from models.config import Training
from models.curves import CurvePoint
from models.progress import OnProgress, Progress
from models.windows import TrainingData


def _quiet(_progress: Progress) -> None:
    """Do nothing."""


def _as_they_are(points: list[CurvePoint]) -> list[CurvePoint]:
    return points


@dataclass(frozen=True)
class Hooks:
    """What a bug does outside the function that it replaces."""

    on_progress: OnProgress = _quiet
    told: Callable[[list[CurvePoint]], list[CurvePoint]] = _as_they_are  # what the log says of the curves


Bug = Callable[[TrainingData, Training], AbstractContextManager[Hooks]]
"""To be entered around one training."""


@dataclass
class Calls:
    """How often a wrong function was called."""

    count: int = 0


@contextmanager
def replaced(owner: object, name: str, wrong: Callable[[Calls], object]) -> Iterator[None]:
    """Replace a function by a wrong one, which counts its calls."""
    assert hasattr(owner, name), f"{owner} has no {name} any more: plant this bug elsewhere"
    calls = Calls()
    with patch.object(owner, name, wrong(calls)):
        yield
    assert calls.count, f"{name} of {owner} was replaced and never called: plant this bug elsewhere"


@contextmanager
def none(_data: TrainingData, _config: Training) -> Iterator[Hooks]:
    """Leave the loop as it is."""
    yield Hooks()


def steps_per_epoch(data: TrainingData, config: Training) -> int:
    """Count the batches of an epoch, the last small one included."""
    return math.ceil(len(data.train) / config.batch_size)
