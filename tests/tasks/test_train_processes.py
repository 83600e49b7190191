"""A training in two processes that torchrun starts: what is written, what is said, how it stops."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from models.config import Compute
from models.errors import ModelError, TrainingStoppedError
from models.progress import Progress
from tasks.asked import Asked
from tasks.train import code_version
from tasks.train_processes import train_in_processes
from tests.tasks.conftest import TINY, TinyRun
from warehouse.runs import Draft, draft_of
from warehouse.store import Store, read_json


@pytest.fixture
def asked(tiny_run: TinyRun, tmp_path: Path) -> Asked:
    root = tmp_path / "store"
    shutil.copytree(tiny_run.store / "datasets", root / "datasets")
    return Asked(
        root=root,
        run_id=tiny_run.run_id,
        dataset_id=tiny_run.dataset_id,
        training=TINY.training,
        compute=Compute(device="cpu", threads=1, checkpoint_s=0),
        code=code_version(),
    )


def draft(asked: Asked) -> Draft:
    return draft_of(Store(asked.root), asked.run_id)


def test_a_stopped_training_goes_on_to_the_curves_of_one_process(
    asked: Asked, tiny_run: TinyRun, caplog: pytest.LogCaptureFixture
) -> None:
    places: list[Progress] = []
    with pytest.raises(TrainingStoppedError) as stopped:
        train_in_processes(asked, 2, lambda: bool(places), places.append)
    assert (draft(asked).folder / "checkpoints" / f"step-{stopped.value.step}").is_dir()
    assert not draft(asked).has("trained")
    with caplog.at_level(logging.INFO, logger="sawtooth"):
        train_in_processes(asked, 2, lambda: False, places.append)
    assert f"goes on after step {stopped.value.step:,}" in caplog.text
    assert places[-1].step == places[-1].steps
    assert draft(asked).has("trained")
    facts = read_json(draft(asked).folder / "training.json")
    assert (facts["devices"], facts["device"], facts["status"]) == (2, "cpu", "finished")
    reference = pl.read_parquet(tiny_run.store / "runs" / tiny_run.run_id / "curve_points.parquet").drop("run_id")
    points = draft(asked).read("curve_points")
    names = ["step", "estimator", "metric", "count"]
    assert points.select(names).equals(reference.select(names))
    assert (points["value"] - reference["value"]).abs().max() < 1e-3


def test_an_error_comes_in_its_own_words(asked: Asked) -> None:
    wrong = asked.model_copy(update={"dataset_id": "absent"})
    with pytest.raises(ModelError, match=r"absent.* is not in the store"):
        train_in_processes(wrong, 2, lambda: False, lambda _: None)


def processes_of(asked: Asked, mark: bytes = b"") -> list[int]:
    """Return the processes that were told this run's store and have a mark in their environment."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            is_told = str(asked.root).encode() in command.read_bytes()
            if is_told and mark in command.with_name("environ").read_bytes():
                found.append(int(command.parent.name))
        except OSError:  # ended meanwhile
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_when_one_process_is_killed_all_end_and_the_run_goes_on_when_asked_again(
    asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    killed: list[int] = []

    def kill(_place: Progress) -> None:
        for process in [] if killed else processes_of(asked, b"RANK=1\0"):
            killed.append(process)
            os.kill(process, signal.SIGKILL)

    with pytest.raises(ModelError, match="A process of the training ended before its time"):
        train_in_processes(asked, 2, lambda: False, kill)
    assert killed
    assert not processes_of(asked)
    with caplog.at_level(logging.INFO, logger="sawtooth"):
        train_in_processes(asked, 2, lambda: False, lambda _: None)
    assert "goes on after step" in caplog.text
    assert draft(asked).has("trained")


TRAINS = """
import sys
from tasks.asked import Asked
from tasks.train_processes import train_in_processes
asked = Asked.model_validate_json(sys.argv[1])
train_in_processes(asked, 2, lambda: False, lambda place: print(place.step, flush=True))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_when_the_flow_is_killed_its_processes_end(asked: Asked) -> None:
    long = asked.model_copy(update={"training": asked.training.model_copy(update={"epochs": 1000})})
    command = [sys.executable, "-c", TRAINS, long.model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as flow:
        assert flow.stdout is not None
        assert flow.stdout.readline()
        assert len(processes_of(asked, b"RANK=")) == 2
        flow.kill()
    deadline = time.monotonic() + 60
    while processes_of(asked):
        assert time.monotonic() < deadline, "they live on"
        time.sleep(0.1)
