"""Disks that fill up, that become read-only, and files that vanish while a night runs; then the same is asked again.

The disk is real: a file system in memory of the given size, which only root may mount; elsewhere those tests skip.
"""

import logging
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.faults.nights import NIGHT, asked, measured_s
from tests.faults.wholeness import assert_no_corruption, assert_nothing_unfinished, assert_same_run
from warehouse.__main__ import main as ask

FULL_DISKS = 12
VANISHED = 24
SEED = 20261125
log = logging.getLogger("faults")


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of 64 MB for the block."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder], check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here: run it as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def remounted(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def used_kb(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // 1024


def refused(said: Path) -> str:
    """Return the one line that a night ended with."""
    lines = said.read_text().splitlines()
    assert "Traceback" not in "\n".join(lines)
    errors = [line for line in lines if line.startswith("error: ")]
    assert errors == lines[-1:]
    return errors[0]


def test_a_disk_that_is_full_at_any_moment_and_then_has_room(tmp_path: Path) -> None:
    said, random, refusals = tmp_path / "night.log", np.random.default_rng(SEED), Counter[str]()
    with disk(tmp_path / "disk") as on:
        measured_s(on / "reference", said)
        (reference,) = shutil.copytree(on / "reference", tmp_path / "reference").joinpath("runs").iterdir()
        needed_kb = used_kb(on)
        shutil.rmtree(on / "reference")
        while refusals.total() < FULL_DISKS:
            said.unlink()
            remounted(on, f"size={random.integers(4, needed_kb)}k")
            if asked(on / "store", said).ended() != 0:
                refusals[refused(said).split(": ", 2)[-1]] += 1
                assert_no_corruption(on / "store")
            remounted(on, "size=64m")
            assert asked(on / "store", said).ended() == 0
            assert_no_corruption(on / "store")
            assert_nothing_unfinished(on / "store")
            assert_same_run(on / "store" / "runs" / reference.name, reference)
            shutil.rmtree(on / "store")
    assert all("no space left on" in line for line in refusals)
    log.info(
        "%d full disks of 4 to %d KB: %s; all ended in the same bits with room", refusals.total(), needed_kb, refusals
    )


def test_a_store_that_becomes_read_only_is_read_and_says_so_where_it_is_to_be_written(tmp_path: Path) -> None:
    said = tmp_path / "night.log"
    with disk(tmp_path / "disk") as on:
        store = on / "store"
        assert asked(store, said).ended() == 0
        remounted(on, "ro")
        assert asked(store, said, ("champions",)).ended() == 0
        assert ask(["SELECT run_id FROM runs", "--store", str(store)]) == 0
        said.unlink()
        assert asked(store, said, NIGHT, training__seed=1).ended() == 1
        assert "read-only file system" in refused(said)
        remounted(on, "rw")
        assert asked(store, said, NIGHT, training__seed=1).ended() == 0
        assert_no_corruption(store)


def test_files_that_vanish_while_a_night_runs(tmp_path: Path) -> None:
    """Take a file or folder of the store away at a moment drawn uniformly: the night ends well, or in one line."""
    said, random, ends = tmp_path / "night.log", np.random.default_rng(SEED), Counter[str]()
    measured_s(tmp_path / "reference", said)
    said.unlink()
    duration_s = measured_s(tmp_path / "other", said)
    (reference,) = (tmp_path / "reference" / "runs").iterdir()
    store = tmp_path / "store"
    while ends.total() < VANISHED:
        said.unlink()
        night = asked(store, said)
        night.process.join(random.uniform(0, duration_s))
        gone = random.permutation(sorted(path for path in store.glob("*/*") if path.parent.name != "locks"))
        for path in gone[:1]:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        ended = night.ended()
        if gone.size:
            what = f"{gone[0].parent.name}{'' if ended == 0 else ', refused'}"
            ends[what] += 1
        if ended != 0:
            refused(said)
        assert asked(store, said).ended() == 0, said.read_text()[-2000:]
        assert_no_corruption(store)
        assert_nothing_unfinished(store)
        assert_same_run(store / "runs" / reference.name, reference)
        shutil.rmtree(store)
    log.info("%d files and folders vanished: %s; all ended in the same bits when asked again", ends.total(), ends)
