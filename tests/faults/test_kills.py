"""SIGKILL at any moment of a night, by the hundred; then the night is asked for again."""

import logging
import shutil
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tests.faults.nights import asked, measured_s, stage_of
from tests.faults.wholeness import assert_no_corruption, assert_nothing_unfinished, assert_same_run

KILLED_NIGHTS = 100
AGAIN = 0.25
"""How many of the nights that are asked for again are killed, too."""
BUDGET_S = 800
SEED = 20261125
log = logging.getLogger("faults")


def test_a_hundred_killed_nights_end_in_the_same_bits(tmp_path: Path) -> None:
    """Kill at a moment drawn uniformly over the undisturbed night's time."""
    began = time.monotonic()
    measured_s(tmp_path / "warm", tmp_path / "warm.log")
    duration_s = measured_s(tmp_path / "reference", tmp_path / "reference.log")
    (reference,) = (tmp_path / "reference" / "runs").iterdir()
    random = np.random.default_rng(SEED)
    stages: Counter[str] = Counter()
    ends = resumed = 0
    while ends < KILLED_NIGHTS:
        assert time.monotonic() - began < BUDGET_S, f"{ends} nights and {stages.total()} kills are all that fit"
        store, said = tmp_path / "night", tmp_path / "night.log"
        is_killed = asked(store, said).killed_after(random.uniform(0, duration_s))
        ends += is_killed
        while is_killed:
            stages[stage_of(store)] += 1
            assert_no_corruption(store)
            patience_s = random.uniform(0, duration_s) if random.random() < AGAIN else None
            is_killed = asked(store, said).killed_after(patience_s)
        resumed += said.read_text().count("from its checkpoint")
        assert "Traceback" not in said.read_text()
        assert_no_corruption(store)
        assert_nothing_unfinished(store)
        assert_same_run(store / "runs" / reference.name, reference)
        shutil.rmtree(store)
        said.unlink()
        log.info("%d nights were killed, %d times, and ended bitwise equal", ends, stages.total())
    log.info(
        "an undisturbed night of %.1f s; %d kills: %s; %d trainings went on from a checkpoint; "
        "%d nights ended bitwise equal, 0 corrupt stores; %.0f s",
        duration_s, stages.total(), ", ".join(f"{count} in {stage}" for stage, count in stages.most_common()),
        resumed, ends, time.monotonic() - began,
    )  # fmt: skip
