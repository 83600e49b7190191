"""A training in two processes that torchrun starts: what is written, what is said, how it stops."""

import logging
import shutil
from pathlib import Path

import polars as pl
import pytest

from models.config import Compute
from models.errors import ModelError, TrainingStoppedError
from models.plan import Progress
from tasks.train import code_version
from tasks.train_draft import Asked
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
