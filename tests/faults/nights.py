"""Nights that can be killed by the hundred: each is a process, forked from one that has imported everything.

It runs what ``python -m flows nightly ...`` runs. Starting Python and importing torch and Prefect anew would take most
of a night this small.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from flows.command_line import main

NIGHT = (
    "nightly",
    *("--source.synthetic.events", "2000", "--source.synthetic.items", "50"),
    *("--dataset.train-windows", "600", "--dataset.validation-windows", "60", "--dataset.test-windows", "60"),
    *("--training.epochs", "3", "--training.batch-size", "64", "--training.probe-windows", "100"),
    *("--training.model.dropout", "0.2", "--training.ema-decay", "0.9"),
    *("--compute.threads", "1", "--compute.checkpoint-s", "0", "--extraction.threads", "1"),
)
RECOMMEND = ("recommend", "--compute.threads", "1", "--extraction.threads", "1")

_FORKS = get_context("forkserver")
_ON_ITS_WAY = ["torch._dynamo", "models.fused_backend", "pandas", "plotly.io", "matplotlib.backends.backend_agg"]
"""What a night imports when it comes to need it."""
_FORKS.set_forkserver_preload(["flows.nightly", "tests.faults.nights", *_ON_ITS_WAY])


@dataclass(frozen=True)
class Asked:
    """A night under way in a process of its own."""

    process: ForkServerProcess
    log: Path

    def killed_after(self, seconds: float | None, number: signal.Signals = signal.SIGKILL) -> bool:
        """Let it run so long, or to its end, then send a signal; return whether it ended by that."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            os.kill(self.process.pid, number)  # type: ignore[arg-type]
            self.process.join()
        assert self.process.exitcode in {0, -number}, self.lines()[-1:]
        return self.process.exitcode == -number

    def ended(self) -> int:
        """Wait for it; return its exit code."""
        self.process.join()
        return self.process.exitcode if self.process.exitcode is not None else 1

    def lines(self) -> list[str]:
        """Return what it said on standard error."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []


def asked(store: Path, log: Path, words: Sequence[str] = NIGHT, **settings: object) -> Asked:
    """Ask for a night of a store; a setting is named with two underscores for a dot."""
    options = [word for key, value in settings.items() for word in (f"--{key.replace('__', '.')}", str(value))]
    process = _FORKS.Process(target=_run, args=([*words, *options, "--store", str(store)], str(log)))
    process.start()
    return Asked(process, log)


def measured_s(store: Path, log: Path, words: Sequence[str] = NIGHT) -> float:
    """Run a whole night, or another command; return its seconds."""
    started = time.monotonic()
    night = asked(store, log, words)
    if night.ended() != 0:
        raise AssertionError(night.lines())
    return time.monotonic() - started


def stage_of(store: Path) -> str:
    """Return what a night was in the midst of when it was killed, by what it left."""
    drafts = list((store / "work" / "runs").glob("*"))
    if list((store / "runs").glob("*")):
        return "publish"
    for mark, following in (("judged", "report"), ("evaluated", "judge"), ("trained", "evaluate")):
        if any((draft / f"{mark}.mark").exists() for draft in drafts):
            return following
    if drafts or list((store / "datasets").glob("*")):
        return "train"
    return "dataset" if list((store / "events").glob("*/manifest.json")) else "ingest"


def _run(words: list[str], log: str) -> None:
    """Be the process of a night."""
    with Path(log).open("a", encoding="utf-8") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.exit(main(words))
