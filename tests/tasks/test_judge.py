"""Every run carries a verdict, and a night does not fail where there cannot be one."""

import json
import shutil

import pytest

from models.errors import ModelError
from models.verdict import CurveVerdict
from tasks.judge import judge
from tasks.report import report
from warehouse.store import Store
from warehouse.views import answered


@pytest.fixture
def drafted(tiny_run, tmp_path):
    """Return a store in which the run is still a draft, evaluated but not judged."""
    store = tmp_path / "store"
    shutil.copytree(tiny_run.store, store)
    draft = store / "work" / "runs" / tiny_run.run_id
    shutil.rmtree(draft, ignore_errors=True)
    shutil.move(store / "runs" / tiny_run.run_id, draft)
    for name in ("DONE", "run.json", "report.html", "verdict.json", "judged.json"):
        (draft / name).unlink()
    return store


def test_a_run_has_its_verdict_beside_its_curves(tiny_run):
    folder = tiny_run.store / "runs" / tiny_run.run_id
    verdict = CurveVerdict.model_validate_json((folder / "verdict.json").read_text())
    run = json.loads((folder / "run.json").read_text())
    assert (run["verdict"], run["is_issue"]) == (verdict.headline(), verdict.is_issue)
    assert {one.curve for one in verdict.sawtooth} >= {"train_loss", "validation_hr"}
    page = (folder / "report.html").read_text()
    assert "Why do the curves saw?" in page
    assert verdict.hypotheses[0].name.partition(":")[0].replace("'", "&#39;") in page


def test_sql_lists_the_runs_verdict(tiny_run):
    query = "SELECT subject, id, is_issue, created = judged FROM verdicts, (SELECT max(created) judged FROM verdicts)"
    run = json.loads((tiny_run.store / "runs" / tiny_run.run_id / "run.json").read_text())
    with answered(Store(tiny_run.store), query) as connection:
        assert connection.fetchall() == [("run", tiny_run.run_id, run["is_issue"], True)]


def test_a_run_that_cannot_be_judged_is_reported_all_the_same(drafted, tiny_run, monkeypatch):
    def refuse(_runs):
        message = "One evaluation is no curve."
        raise ModelError(message)

    monkeypatch.setattr("tasks.judge.judge_runs", refuse)
    judge(tiny_run.run_id, tiny_run.dataset_id, str(drafted))
    run = report(tiny_run.run_id, "python -m flows nightly", str(drafted))
    assert (run["verdict"], run["is_issue"]) == ("cannot be judged: One evaluation is no curve.", "cannot_tell")
    folder = drafted / "runs" / tiny_run.run_id
    assert not (folder / "verdict.json").exists()
    assert "Cannot be judged: One evaluation is no curve." in (folder / "report.html").read_text()
    with answered(Store(drafted), "SELECT count(*) FROM verdicts") as connection:
        assert connection.fetchall() == [(0,)]


def test_a_run_is_judged_once(drafted, tiny_run, monkeypatch):
    judge(tiny_run.run_id, tiny_run.dataset_id, str(drafted))
    monkeypatch.setattr("tasks.judge.judge_runs", lambda _runs: pytest.fail("judged again"))
    judge(tiny_run.run_id, tiny_run.dataset_id, str(drafted))
    assert (drafted / "work" / "runs" / tiny_run.run_id / "verdict.json").is_file()
