"""A study concludes from the store's own runs, once, and can be asked again by its command."""

import json
import shlex
import shutil
from dataclasses import replace

import pytest

from flows.command_line import options_of, parsed
from flows.diagnose import diagnose
from flows.sweep import sweep
from models.config import Optimizer
from models.study import StudyVerdict
from tasks.conclude import conclude, study_command
from tasks.plan import plan_arms
from tests.tasks.conftest import TINY
from warehouse.config import Diagnosis, Sweep
from warehouse.store import Store
from warehouse.views import answered


@pytest.fixture
def store(tiny_run, tmp_path):
    shutil.copytree(tiny_run.store, tmp_path / "store")
    return Store(tmp_path / "store")


@pytest.fixture
def plan(tiny_run, store):
    """Return a sweep of one rate and one seed, all of which is in the store."""
    return plan_arms(replace(TINY, store=str(store.root)), tiny_run.dataset_id)


def test_a_study_is_published_with_its_verdict_and_its_arms(plan, store, tiny_run):
    folder = store.study(conclude(plan))
    verdict = StudyVerdict.model_validate_json((folder / "verdict.json").read_text())
    facts = json.loads((folder / "study.json").read_text())
    assert [arm.run_ids for arm in verdict.arms] == [(tiny_run.run_id,)]
    assert facts["verdict"] == verdict.headline()
    assert facts["source"] == "synthetic-3000-60-0"
    assert [run["run_id"] for arm in facts["arms"] for run in arm["runs"]] == [tiny_run.run_id]
    assert (folder / "figures" / "curves.png").read_bytes()[:4] == b"\x89PNG"
    page = (folder / "report.html").read_text()
    assert f"../../runs/{tiny_run.run_id}/report.html" in page
    with answered(store, "SELECT study_id, name, run_ids FROM study_arms") as connection:
        assert connection.fetchall() == [(folder.name, "lr-0.003", [tiny_run.run_id])]


def test_the_same_runs_are_concluded_from_once(plan, monkeypatch):
    first = conclude(plan)
    monkeypatch.setattr("tasks.conclude.conclude_from", lambda _: pytest.fail("judged again"))
    assert conclude(plan) == first


def test_code_that_judges_otherwise_is_another_study(plan, store, monkeypatch):
    first = conclude(plan)
    monkeypatch.setattr("tasks.conclude.judging_code", lambda: "changed")
    assert conclude(plan) != first
    assert len(list((store.root / "studies").iterdir())) == 2


@pytest.mark.parametrize(
    ("study", "function"),
    [(Sweep(rates=(0.01, 0.3), seeds=2), sweep), (Diagnosis(depth="full", seeds=1), diagnose)],
)
def test_the_command_asks_for_the_same_study(study, function):
    training = TINY.training.model_copy(update={"optimizer": Optimizer(lr=0.02)})
    question = replace(TINY, training=training, study=study.model_copy(update={"workers": 5}), store="/elsewhere")
    words = shlex.split(study_command(question))
    said = parsed(words[3], options_of(function.fn), words[4:])
    assert words[3] == question.kind
    assert (said.source, said.size, said.dataset, said.training) == (TINY.source, "250k", TINY.dataset, training)
    assert (said.study, said.store) == (study, None)  # how many at once and where is no part of the question
