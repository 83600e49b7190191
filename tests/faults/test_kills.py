"""SIGKILL at any moment of a night, or of its recommendations, by the hundred; then the same is asked for again."""

import logging
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.faults.nights import NIGHT, RECOMMEND, asked, measured_s, stage_of
from tests.faults.wholeness import assert_no_corruption, assert_nothing_unfinished, assert_same_run

KILLED_NIGHTS = 150
AT_ONCE = 2
"""Nights under way at a time, each on a store of its own."""
AGAIN = 0.25
"""How many of the nights that are asked for again are killed, too."""
KILLED_LISTS = 30
BUDGET_S = 700
SEED = 20261125
log = logging.getLogger("faults")


@dataclass
class Tally:
    """What was done to a night."""

    is_killed: bool = False
    stages: Counter[str] = field(default_factory=Counter)
    n_resumed: int = 0


def test_a_hundred_killed_nights_end_in_the_same_bits(tmp_path: Path) -> None:
    """Kill at a moment drawn uniformly over an undisturbed night's time."""
    began = time.monotonic()
    measured_s(tmp_path / "warm", tmp_path / "warm.log")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = [tmp_path / f"reference-{n}" for n in range(AT_ONCE)]
        duration_s = max(pool.map(lambda name: measured_s(name, name.with_suffix(".log")), names))
        (reference,) = (names[0] / "runs").iterdir()
        done: list[Tally] = []
        while (n_killed := sum(night.is_killed for night in done)) < KILLED_NIGHTS:
            assert time.monotonic() - began < BUDGET_S, f"{n_killed} killed nights are all that fit"
            numbers = range(len(done), len(done) + 5 * AT_ONCE)
            done += pool.map(lambda n: killed_night(tmp_path / f"night-{n}", reference, duration_s, n), numbers)
            log.info("%d nights were killed and ended bitwise equal", sum(night.is_killed for night in done))
    stages = sum((night.stages for night in done), Counter())
    log.info(
        "undisturbed nights of %.1f s, %d at a time; %d kills: %s; %d trainings went on from a checkpoint; "
        "%d nights ended bitwise equal, 0 corrupt stores; %.0f s",
        duration_s, AT_ONCE, stages.total(), ", ".join(f"{count} in {stage}" for stage, count in stages.most_common()),
        sum(night.n_resumed for night in done), n_killed, time.monotonic() - began,
    )  # fmt: skip


def killed_night(store: Path, reference: Path, duration_s: float, number: int) -> Tally:
    """Kill a night, ask again until it is done, and compare."""
    random, said, tally = np.random.default_rng([SEED, number]), store.with_suffix(".log"), Tally()
    is_killed = tally.is_killed = asked(store, said).killed_after(random.uniform(0, duration_s))
    while is_killed:
        tally.stages[stage_of(store)] += 1
        assert_no_corruption(store)
        patience_s = random.uniform(0, duration_s) if random.random() < AGAIN else None
        is_killed = asked(store, said).killed_after(patience_s)
    assert "Traceback" not in said.read_text()
    assert_no_corruption(store)
    assert_nothing_unfinished(store)
    assert_same_run(store / "runs" / reference.name, reference)
    tally.n_resumed = said.read_text().count("from its checkpoint")
    shutil.rmtree(store)
    said.unlink()
    return tally


def test_recommendations_that_are_killed_leave_the_last_file_or_the_next(tmp_path: Path) -> None:
    store, said = tmp_path / "store", tmp_path / "lists.log"
    assert asked(store, said, NIGHT).ended() == 0
    measured_s(store, said, RECOMMEND)
    (file,) = (store / "recommendations").rglob("*.parquet")
    first = file.read_bytes()
    longer = (*RECOMMEND, "--recommendation.k", "20")
    duration_s = measured_s(store, said, longer)
    second = file.read_bytes()
    random, n_kills, n_before = np.random.default_rng(SEED), 0, 0
    while n_kills < KILLED_LISTS:
        file.write_bytes(first)
        is_killed = asked(store, said, longer).killed_after(random.uniform(0, duration_s))
        n_kills += is_killed
        n_before += file.read_bytes() == first
        assert file.read_bytes() in {first, second}
        assert asked(store, said, longer).ended() == 0
        assert file.read_bytes() == second
        assert_no_corruption(store)
        assert_nothing_unfinished(store)
        assert sorted((store / "recommendations").rglob("*.*")) == [file]
    assert n_before
    log.info("%d kills of recommend: %d left the last file, all ended in the next's very bytes", n_kills, n_before)
