"""What a training does beside its steps, as shares of the time: instruments, evaluations, checkpoints.

What instruments take is timed within a training: with and without them in turns differed by -2 to 12 % of a step on a
shared machine, which is its noise. Four evaluations in an epoch of 250,000 windows, each of 10,000 validation and
10,000 probe windows; a checkpoint of every so many seconds against none. By number of threads.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as python -m flows sets it; before torch is imported

from contestants.windows import data_of

from models.config import Compute, Duration, Training
from models.instruments import Instruments
from models.keeping import Keeping
from models.training import TrainedModel, train
from tasks.checkpoints import keeping_of
from warehouse.runs import draft_of
from warehouse.store import Store

WINDOWS, VALIDATION = 250_000, 10_000


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Add up in ``seconds[0]`` what the instruments take, for the block."""

    def timing(function: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **named: object) -> object:
            started = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                seconds[0] += time.perf_counter() - started

        return call

    with ExitStack() as stack:
        for name in ("before_step", "after_step", "close_phase"):
            stack.enter_context(patch.object(Instruments, name, timing(getattr(Instruments, name))))
        yield


def trained(items: int, windows: int, threads: int, keeping: Keeping = Keeping(), **settings: object) -> TrainedModel:
    """Train an epoch."""
    config, compute = Training(epochs=1, **settings), Compute(threads=threads, checkpoint_s=None)
    return train(data_of(items, windows, VALIDATION), config, compute, lambda _: None, keeping)


def share_of_instruments(items: int, threads: int, rounds: int) -> float:
    """Return the part of a step's time that ages, updates and the data's statistics take."""
    once, shares = {"evaluate_every": Duration(value=1), "probe_windows": 64}, []
    for _ in range(rounds):
        with timed(seconds := [0.0]):
            rate = trained(items, 51_200, threads, **once).samples_per_s
        shares.append(seconds[0] / (51_200 / rate))
    return statistics.median(shares)


def share_of_evaluations(items: int, threads: int) -> float:
    """Return the part of an epoch's time that its four evaluations take."""
    epoch = trained(items, WINDOWS, threads)
    return 1 - WINDOWS / epoch.samples_per_s / epoch.wall_s


def checkpoint(items: int, windows: int) -> tuple[float, float]:
    """Return the seconds and megabytes of a checkpoint, synced, of a training of so many windows."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        draft = draft_of(Store(Path(folder)), "overheads", anew=True)
        keeping, seconds = keeping_of(draft, lambda: False), []

        def save(taken: object, inner: object = keeping.save) -> None:
            started = time.perf_counter()
            inner(taken)  # type: ignore[operator]
            seconds.append(time.perf_counter() - started)

        timed = Keeping(None, save, lambda: False)
        config = Training(epochs=1, max_steps=20, evaluate_every=Duration(value=10, unit="steps"), probe_windows=64)
        train(data_of(items, windows), config, Compute(checkpoint_s=0), lambda _: None, timed)
        newest = max(draft.folder.glob("checkpoints/step-*"), key=lambda path: path.stat().st_mtime)
        return statistics.median(seconds), sum(path.stat().st_size for path in newest.iterdir()) / 1e6


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of timing the instruments (%(default)s)")
    rounds = parser.parse_args().rounds
    trained(4_631, 2_560, 2)  # compiles what there is to
    print("| items | threads | instruments, of a step | four evaluations, of an epoch of 250,000 |")
    print("|---|---|---|---|")
    for items in (4_631, 20_000):
        for threads in (1, 2):
            shares = share_of_instruments(items, threads, rounds), share_of_evaluations(items, threads)
            print(f"| {items:,} | {threads} | {shares[0]:.1%} | {shares[1]:.1%} |", flush=True)
    print("\n| items | windows | a checkpoint, s | MB | of a minute |")
    print("|---|---|---|---|---|")
    for items, windows in ((4_631, 250_000), (20_000, 5_500_000), (50_000, 5_500_000)):
        seconds, size_mb = checkpoint(items, windows)
        print(f"| {items:,} | {windows:,} | {seconds:.2f} | {size_mb:,.0f} | {seconds / 60:.1%} |", flush=True)


if __name__ == "__main__":
    main()
