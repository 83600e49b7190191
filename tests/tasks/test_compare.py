"""A run meets the champion on its own test windows, whatever dataset the champion learned from."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.config import Compute
from models.stored import load_model
from tasks.compare import _champions_ranks, compare, decision_on
from tasks.report import report
from tests.tasks.conftest import TINY, TinyRun, made
from warehouse.policies import Promotion
from warehouse.runs import Draft
from warehouse.snapshot import open_snapshot
from warehouse.store import Store, write_json

COMPUTE = Compute(device="cpu", threads=1)


@pytest.fixture(scope="module")
def other_run(tiny_run, tmp_path_factory) -> TinyRun:
    """Make a run on a dataset of other windows and a smaller vocabulary, beside the first."""
    store = tmp_path_factory.mktemp("two-runs") / "store"
    shutil.copytree(tiny_run.store, store)
    dataset = TINY.dataset.model_copy(update={"min_item_count": 30, "test_windows": 30, "seed": 5})
    return made(store, replace(TINY, dataset=dataset, training=TINY.training.model_copy(update={"epochs": 1})))


def draft(run: TinyRun) -> Draft:
    return Draft(run.run_id, run.store / "runs" / run.run_id)


def test_the_first_of_all_is_promoted(tiny_run):
    decision = decision_on(Store(tiny_run.store), draft(tiny_run), None, COMPUTE)
    assert (decision.promoted, decision.reason) == (True, "it is the first of its source and size")


def test_on_its_own_dataset_a_champion_is_not_scored_again(tiny_run, monkeypatch):
    monkeypatch.setattr("models.stored.load_model", lambda _: pytest.fail("scored again"))
    decision = decision_on(Store(tiny_run.store), draft(tiny_run), tiny_run.run_id, COMPUTE)
    assert (decision.promoted, decision.difference, decision.low, decision.high) == (True, 0.0, 0.0, 0.0)


def test_on_another_dataset_a_champion_is_scored_through_the_items(tiny_run, other_run):
    """Against a plain loop over the windows, item by item."""
    where = Store(other_run.store)
    here, there = (open_snapshot(where.dataset(run.dataset_id)) for run in (other_run, tiny_run))
    assert here.n_items < there.n_items
    code = {item: place + 1 for place, item in enumerate(there.item_ids())}
    names, arrays = [None, *here.item_ids()], here.arrays
    model = load_model(where.run(tiny_run.run_id))
    expected = []
    for end, length in zip(arrays["test_ends"].tolist(), arrays["test_lengths"].tolist(), strict=True):
        history = [code.get(names[each], 0) for each in arrays["items"][end - length : end]]
        with torch.no_grad():
            scores = model(torch.tensor([history + [0] * (10 - length)]), torch.tensor([length]))[0]
        target = code[names[arrays["items"][end]]]
        expected.append(1 + int((scores > scores[target - 1]).sum()))
    found = _champions_ranks(where, tiny_run.run_id, here, TINY.training, COMPUTE)
    assert found.tolist() == expected
    decision = decision_on(where, draft(other_run), tiny_run.run_id, COMPUTE)
    own = other_run.store / "runs" / other_run.run_id
    hr = json.loads((own / "run.json").read_text())["test_hr"]
    assert decision.difference == pytest.approx(hr - np.mean(np.array(expected) <= 10))


def test_other_ties_are_scored_alike(tiny_run, monkeypatch):
    """A rank that was counted generously must not meet one that was not."""
    training = TINY.training.model_copy(update={"ties": "pessimistic"})
    snapshot = open_snapshot(Store(tiny_run.store).dataset(tiny_run.dataset_id))
    scored = []
    monkeypatch.setattr("models.foreign.ranks_on", lambda _model, _windows, ties, _compute: scored.append(ties))
    _champions_ranks(Store(tiny_run.store), tiny_run.run_id, snapshot, training, COMPUTE)
    assert scored == ["pessimistic"]


@pytest.fixture
def copy(tiny_run, tmp_path) -> TinyRun:
    shutil.copytree(tiny_run.store, tmp_path / "store")
    return replace(tiny_run, store=tmp_path / "store")


def test_a_champion_that_cannot_be_read_loses_its_place(copy):
    where = Store(copy.store)
    decision = decision_on(where, draft(copy), "gone", COMPUTE)
    assert decision.promoted
    assert decision.reason == "the champion can no longer be scored: run gone is not in the store"


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("training.json", {"status": "diverged"}, "its training diverged"),
        ("verdict.json", {"leading": "H3"}, "its verdict is H3, learning rate too high"),
    ],
)
def test_a_diverging_run_stays_out_even_where_there_is_no_champion(copy, name, change, why):
    path = draft(copy).folder / name
    write_json(path, {**json.loads(path.read_text()), **change})
    for champion in (None, copy.run_id):
        decision = decision_on(Store(copy.store), draft(copy), champion, COMPUTE)
        assert not decision.promoted
        assert decision.reason.startswith(why)


def as_draft(run: TinyRun) -> TinyRun:
    """Make a finished run a draft again, judged but not reported."""
    work = run.store / "work" / "runs" / run.run_id
    shutil.move(run.store / "runs" / run.run_id, work)
    for name in ("DONE", "run.json", "report.html"):
        (work / name).unlink()
    Draft(run.run_id, work).mark("judged")
    return run


def test_the_comparison_stands_in_the_report(copy):
    run = as_draft(copy)
    compare(run.run_id, run.dataset_id, Promotion(), COMPUTE, str(run.store))
    said = report(run.run_id, "python -m flows nightly", str(run.store))["beside_champion"]
    assert said == "becomes the champion: it is the first of its source and size"
    assert f"this run {said}." in (run.store / "runs" / run.run_id / "report.html").read_text()


def test_an_arm_is_compared_with_nobody(copy):
    run = as_draft(copy)
    compare(run.run_id, run.dataset_id, Promotion(compete=False), COMPUTE, str(run.store))
    assert "beside_champion" not in report(run.run_id, "python -m flows nightly", str(run.store))
