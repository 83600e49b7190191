"""Studies from end to end: arms as real processes, and what reaches the user and Prefect."""

import json
import shutil
from contextlib import contextmanager

import pytest
from prefect.artifacts import Artifact

from flows.command_line import main
from flows.sweep import sweep
from models.arms import diagnose_arms
from models.config import Compute, Training
from tasks.arms_here import command_of
from tests.flows.conftest import words_for
from warehouse.config import Dataset, Source, Sweep, Synthetic
from warehouse.store import Store
from warehouse.views import answered


@pytest.fixture
def store(tiny_night, tmp_path):
    """Return a copy of a store that holds the base."""
    shutil.copytree(tiny_night.store, tmp_path / "store")
    return Store(tmp_path / "store")


def words_of(flow, store, **changes):
    return [flow, *words_for(store.root, **changes)[1:], "--format", "json"]


def asked_of(store, **study):
    """Return what the tiny night asks, as a sweep's flow has it."""
    return {
        "source": Source(synthetic=Synthetic(events=8_000, items=80)),
        "dataset": Dataset(train_windows=2_000, validation_windows=200, test_windows=200),
        "training": Training(probe_windows=300, epochs=2, batch_size=64),
        "study": Sweep(**study),
        "compute": Compute(threads=1),
        "store": str(store.root),
    }


def runs_in(store):
    with answered(store, "SELECT run_id, status FROM runs ORDER BY status, run_id") as connection:
        return connection.fetchall()


def test_a_sweep_runs_what_is_missing_as_processes_and_concludes(store, tiny_night, capsys):
    words = words_of("sweep", store, study__rates="0.01", study__seeds=1, study__workers=2)
    assert main(words) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [arm["name"] for arm in found["arms"]] == ["lr-0.003", "lr-0.01"]
    assert found["arms"][0]["run_ids"] == [tiny_night.night["run_id"]]
    assert "1 of 2 runs to make" in err
    assert [run for run, _ in runs_in(store)] == sorted(run for arm in found["arms"] for run in arm["run_ids"])
    assert (store.study(found["study_id"]) / "report.html").as_uri() == found["report"]
    left = [path for path in (store.root / "work").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []
    assert main(words) == 0  # asked again, it is answered from the store
    out, err = capsys.readouterr()
    assert json.loads(out) == found
    assert "2 of 2 runs of this study are in the store" in err
    assert "neither runs nor the code that judges them have changed" in err


def test_a_failed_arm_fails_the_study_with_its_own_words(store, monkeypatch, capsys):
    def another_question(question, run):
        return [*command_of(question, run), "--training.epochs", "0"]

    monkeypatch.setattr("tasks.arms_here.command_of", another_question)
    assert main(words_of("sweep", store, study__rates="0.01", study__seeds=1)) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: 1 of 1 runs failed, the others are in the store: lr-0.01-seed-0: --training.epochs:")
    assert not (store.root / "studies").exists()


class InThisProcess:
    """An arm that was run, in this process, before anybody looks at it."""

    def __init__(self, question, run):
        self.code = main(command_of(question, run)[3:])

    def is_over(self):
        return True

    def last_words(self):
        return f"exit code {self.code}"

    def end(self):
        """Nothing is left to end."""


@contextmanager
def in_this_process(plan):
    yield lambda run: InThisProcess(plan.question, run)


def test_a_diagnosis_clips_where_its_base_suggests_and_counts_arms_that_diverged(store, monkeypatch, capsys):
    high = Training(optimizer={"lr": 10, "name": "sgd", "momentum": 0.9})

    def few(base, depth, only):
        arms = diagnose_arms(base, depth, only)[:2]
        changed = {"optimizer": high.optimizer, "model": {"layer_norm": False}}
        diverging = arms[0].training.model_copy(update={"optimizer": changed["optimizer"]})
        return (*arms, type(arms[0])("sgd-10", "remedy", diverging, "Does it diverge?"))

    monkeypatch.setattr("tasks.plan.diagnose_arms", few)
    monkeypatch.setattr("tasks.run_arms.arms_here", in_this_process)
    assert main(words_of("diagnose", store, study__seeds=1, study__depth="main")) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [arm["name"] for arm in found["arms"]] == ["base", "fixed-order", "sgd-10", "clip-norm-p90"]
    assert found["suggested_clip"] > 0
    assert len(runs_in(store)) == 4


@pytest.mark.server
@pytest.mark.xdist_group("server")
@pytest.mark.usefixtures("prefect_server")
def test_a_study_in_a_flow_run_leaves_its_artifacts(store, tiny_night):
    found = sweep(**asked_of(store, rates=(0.003,), seeds=1))
    assert [arm.run_ids for arm in found.arms] == [(tiny_night.night["run_id"],)]
    said = {name: Artifact.get(f"{name}-sweep-250k") for name in ("verdict", "arms", "report")}
    assert all(found.study_id in artifact.description for artifact in said.values())
    assert said["verdict"].data.startswith(f"# {found.headline()}")
    assert [row["arm"] for row in json.loads(said["arms"].data)] == ["lr-0.003"]
    assert found.report in said["report"].data


@pytest.mark.server
@pytest.mark.xdist_group("server")
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("runner", ["threads", "dask"])
def test_arms_are_task_runs_of_their_study(store, tiny_night, runner):
    if runner == "dask":
        pytest.importorskip("prefect_dask", reason="the extra dask is not installed")
    asked = asked_of(store, rates=(0.003, 0.01, 0.03), seeds=1, workers=2, arms_run="tasks", runner=runner)
    state = sweep(**asked, return_state=True)
    found = state.result()
    assert [arm.name for arm in found.arms] == ["lr-0.003", "lr-0.01", "lr-0.03"]
    assert found.arms[0].run_ids == (tiny_night.night["run_id"],)  # made by another way, it is the same run
    assert list((store.root / "work" / "studies").iterdir()) == []
