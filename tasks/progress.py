"""Live progress of a training: an artifact in the Prefect UI, a bar in a terminal, lines in a log."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.progress import OnProgress
from models.progress import Progress as Place
from tasks.published import published
from tasks.verb import in_flow_run, tell

_SECONDS_BETWEEN = 2.0


Move = Callable[[int, int], None]
"""Called with how much is done, of how much."""


@contextmanager
def shown(size: str) -> Iterator[OnProgress]:
    """Yield what a training calls with its progress; evaluations are also logged."""
    with moving(f"training-{size}", "training", "steps") as move:

        def on_progress(place: Place) -> None:
            move(place.step, place.steps)
            if place.points:
                tell(_line(place))

        yield on_progress


@contextmanager
def moving(key: str, what: str, unit: str) -> Iterator[Move]:
    """Yield what moves an artifact of this key in a flow run, a bar in a terminal."""
    artifact = partial(_artifact, artifact_size(key), f"{unit} of this {what}".capitalize())
    with artifact() if in_flow_run() else _bar(what, unit) as move:
        yield move


@contextmanager
def _artifact(key: str, description: str) -> Iterator[Move]:
    artifact = _Artifact(key, description)
    try:
        yield artifact.move
    finally:
        artifact.leave()


class _Artifact:
    """A progress artifact that is moved by a thread of its own: a training does not wait for a server."""

    def __init__(self, key: str, description: str) -> None:
        self._new = partial(create_progress_artifact, key=key, description=description)
        self._known: UUID | None = None
        self._context = copy_context()  # says whose artifact it is
        self._pool = ThreadPoolExecutor(1, "progress")
        self._send(0.0)

    def move(self, done: int, total: int) -> None:
        """Show how much is done: the end always, what comes before at most every two seconds."""
        is_due = time.monotonic() - self._last >= _SECONDS_BETWEEN and self._sent.done()
        if done == total or is_due:
            self._send(100.0 * done / total)

    def leave(self) -> None:
        """Let the thread end when it has sent what it was given."""
        self._pool.shutdown(wait=False)

    def _send(self, percent: float) -> None:
        self._last = time.monotonic()
        self._sent = self._pool.submit(self._context.run, self._shown, percent)

    def _shown(self, percent: float) -> None:
        with published("progress"):
            if self._known is None:
                self._known = cast("UUID", self._new(progress=percent))
            else:
                update_progress_artifact(self._known, progress=percent)


@contextmanager
def _bar(what: str, unit: str) -> Iterator[Move]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def artifact_size(size: str) -> str:
    """Return a size as an artifact's key may have it: letters, digits and dashes."""
    return size.replace(".", "-")


def _line(place: Place) -> str:
    """Return an evaluation as one line."""
    names = {"train_running": "running", "train_probe": "probe", "validation": "validation"}
    values: dict[str, list[str]] = {name: [] for name in names}
    for point in place.points:
        is_wanted = point.metric == "loss" or point.metric.startswith("hr@")
        if is_wanted and point.estimator in values and point.value is not None:
            values[point.estimator].append(f"{point.metric} {point.value:.4f}")
    parts = [f"{names[name]} {' '.join(found)}" for name, found in values.items() if found]
    return f"epoch {place.epoch:6.2f} | " + " | ".join(parts)
