"""Many processes on one store, killed and asked again: each run is made once, and nobody reads half of it."""

import logging
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.faults.nights import Asked, asked, measured_s
from tests.faults.wholeness import assert_no_corruption, assert_nothing_unfinished, assert_same_run
from warehouse.store import Store
from warehouse.views import answered

PROCESSES = 8
QUESTIONS = 4
"""Asked for at a time: two processes each, so that there is always one that waits."""
COMPARED = 3
"""Runs that are made once more, undisturbed; all are verified by their own hashes."""
KILLS = 40
BUDGET_S = 240
"""After it nobody is killed any more."""
log = logging.getLogger("faults")


def test_eight_processes_on_one_store_lose_no_run_and_make_none_twice(tmp_path: Path) -> None:
    began = time.monotonic()
    store, reference = tmp_path / "store", tmp_path / "reference"
    duration_s = measured_s(reference, tmp_path / "reference.log")
    for seed in range(1, COMPARED):
        assert asked(reference, tmp_path / "reference.log", training__seed=seed).ended() == 0
    crowd = Crowd(store, tmp_path)
    crowd.run(seconds_between_kills=duration_s / 4)
    seeds = set(crowd.seed_of.values()) | set(range(COMPARED))
    for seed in seeds - crowd.answered:
        assert crowd.ask(seed).ended() == 0
    assert_no_corruption(store)
    assert_nothing_unfinished(store)
    assert len(list((store / "runs").iterdir())) == len(seeds)
    for run in (reference / "runs").iterdir():
        assert_same_run(store / "runs" / run.name, run)
    assert set(crowd.trained().values()) <= {1}
    killed = Counter(signal.Signals(-night.ended()).name for night in crowd.killed)
    log.info(
        "%d processes at a time: %s, %d in mid-training; %d ended well, %d reads; %d runs, 0 lost, 0 double; %.0f s",
        PROCESSES, ", ".join(f"{count} by {name}" for name, count in killed.items()), crowd.in_training(),
        len(crowd.seed_of) - len(crowd.killed), crowd.n_reads, len(seeds), time.monotonic() - began,
    )  # fmt: skip


@dataclass
class Crowd:
    """Nights of a few questions on one store, so many at a time; what was answered is not asked again."""

    store: Path
    logs: Path
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(8))
    seed_of: dict[Asked, int] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    killed: list[Asked] = field(default_factory=list)
    n_reads: int = 0

    def ask(self, seed: int) -> Asked:
        """Ask for the night of a seed."""
        night = asked(self.store, self.logs / f"crowd-{len(self.seed_of)}.log", training__seed=seed)
        self.seed_of[night] = seed
        return night

    def ask_next(self) -> Asked:
        """Ask for one of the first questions that are not answered yet."""
        open_ = [seed for seed in range(len(self.answered) + QUESTIONS) if seed not in self.answered]
        return self.ask(open_[len(self.seed_of) % QUESTIONS])

    def run(self, seconds_between_kills: float) -> None:
        """Keep nights under way and kill one now and then; at the end wait for those that are left."""
        ends, next_kill = time.monotonic() + BUDGET_S, time.monotonic()
        under_way: list[Asked] = []
        while len(self.killed) < KILLS and time.monotonic() < ends:
            self.note(under_way)
            under_way = [night for night in under_way if night.process.exitcode is None]
            under_way += [self.ask_next() for _ in range(PROCESSES - len(under_way))]
            if time.monotonic() > next_kill:
                self.kill(under_way[self.random.integers(PROCESSES)])
                next_kill = time.monotonic() + self.random.exponential(seconds_between_kills)
            self.read()
        for night in under_way:
            night.process.join()
        self.note(under_way)

    def note(self, nights: Sequence[Asked]) -> None:
        """Take note of those that ended well; the others were killed."""
        for night in nights:
            assert night.process.exitcode in {None, 0} or night in self.killed, night.lines()[-1:]
            if night.process.exitcode == 0:
                self.answered.add(self.seed_of[night])

    def kill(self, night: Asked) -> None:
        """End a night, by SIGTERM now and then."""
        number = signal.SIGTERM if self.random.random() < 0.3 else signal.SIGKILL
        if night.killed_after(0, number):
            self.killed.append(night)

    def read(self) -> None:
        """Ask the store as a user does; what is there is whole."""
        time.sleep(0.05)  # between two looks at the processes
        if (self.store / "runs").exists():
            with answered(Store(self.store), "SELECT run_id, test_hr FROM runs") as connection:
                assert all(test_hr is not None for _, test_hr in connection.fetchall())
            self.n_reads += 1

    def trained(self) -> Counter[str]:
        """Count how often each run was trained to its end."""
        return Counter(line.split()[2] for night in self.seed_of for line in night.lines() if "windows/s" in line)

    def in_training(self) -> int:
        """Count the nights that were killed while they trained."""
        said = ["\n".join(night.lines()) for night in self.killed]
        return sum("training on dataset" in lines and "windows/s" not in lines for lines in said)
