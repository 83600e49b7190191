"""Arms as processes of this machine: each is exactly the command that makes its run by itself."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tasks.plan import PlannedRun, Question, StudyPlan
from tasks.reproduce import command_for
from tasks.tied import TIED
from warehouse.policies import Promotion
from warehouse.store import fresh, store_at

GRACE_S = 15.0
"""How long a process may take to end before it is killed."""

_KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
"""For glibc; others ignore it. A step frees and asks again for megabytes, and fresh pages cost a seventh of its time:
5,881 and 6,178 windows/s without, 6,982 and 6,877 with (Online Retail II, one thread)."""


AN_EXPERIMENT = Promotion(compete=False)
"""An arm asks a question; it is no candidate for the champion's place."""


class StartHere(Protocol):
    """Starts a run's process."""

    def __call__(self, run: PlannedRun) -> "ChildProcess":
        """Start it."""


@dataclass(frozen=True)
class ChildProcess:
    """A run's process. It is in this process's group, so that what ends the group ends it, too."""

    process: subprocess.Popen[bytes]
    log: Path

    def is_over(self) -> bool:
        """Return whether it ended, well or not."""
        return self.process.poll() is not None

    def last_words(self) -> str:
        """Return its error, or else how it ended; and where its log is."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        code = self.process.returncode
        if code == 0:
            return f"made another run than was asked: data or code were changed meanwhile (log: {self.log})"
        how = f"ended by signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        said = errors or [line for line in lines if line.strip()] or [how]
        return f"{said[-1]} ({how}; log: {self.log})"

    def end(self) -> None:
        """Ask it to end, wait, then kill it."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_S)
        self.process.kill()
        self.process.wait()


@contextmanager
def arms_here(plan: StudyPlan) -> Iterator[StartHere]:
    """Yield what starts a run's process."""
    with logs_of(plan.question) as logs:
        yield lambda run: child_of(plan.question, run, logs)


@contextmanager
def logs_of(question: Question) -> Iterator[Path]:
    """Yield a folder for the runs' logs. Those of runs that are in the store at the end are removed."""
    store = store_at(question.store)
    logs = fresh(store.work("studies", f"{question.kind}-{os.getpid()}"))
    yield logs
    for log in logs.iterdir():
        if store.run(log.stem).exists():
            log.unlink()
    if not any(logs.iterdir()):
        logs.rmdir()


def child_of(question: Question, run: PlannedRun, logs: Path) -> ChildProcess:
    """Start the process that makes a run."""
    log = logs / f"{run.run_id}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command_of(question, run),
            env=environment(),
            stdin=subprocess.PIPE,  # held open for as long as this process lives
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return ChildProcess(process, log)


def command_of(question: Question, run: PlannedRun) -> list[str]:
    """Return the command that makes a run here, with one CPU thread unless the question says how many."""
    compute = question.compute.model_copy(update={"threads": question.compute.threads or 1})
    told = {"compute": compute, "extraction": question.extraction, "store": question.store, "format": "json"}
    _, *words = shlex.split(command_for("nightly", {**asked_of(question, run), **told}))
    return [sys.executable, *words]


def nightly_command(question: Question, run: PlannedRun) -> str:
    """Return the command that asks for a run anywhere."""
    return command_for("nightly", asked_of(question, run))


def asked_of(question: Question, run: PlannedRun) -> dict[str, Any]:
    """Return what a run asks."""
    return {
        "source": question.source, "size": question.size, "dataset": question.dataset, "training": run.training,
        "promotion": AN_EXPERIMENT,
    }  # fmt: skip


def environment() -> dict[str, str]:
    """Return the processes' environment: one thread each, freed memory kept, and an end with this process."""
    return {**os.environ, "OMP_NUM_THREADS": "1", **_KEEP_MEMORY, TIED: "1"}
