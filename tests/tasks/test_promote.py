"""The last word: once a run, under the lock, published with its reason; a drop is an event."""

import json
import multiprocessing
import shutil
from dataclasses import replace

import pytest

from models.config import Compute
from tasks import promote as promoting
from tasks.promote import promote
from tests.tasks.conftest import TinyRun
from warehouse.champions import Entry, record, standing_of
from warehouse.policies import Promotion
from warehouse.runs import facts_of
from warehouse.store import Store, write_json

COMPUTE = Compute(device="cpu", threads=1)
NOW = Promotion()
SOURCE = "synthetic-3000-60-0"


@pytest.fixture
def copy(tiny_run, tmp_path) -> TinyRun:
    shutil.copytree(tiny_run.store, tmp_path / "store")
    return replace(tiny_run, store=tmp_path / "store")


def decided(run: TinyRun, promotion: Promotion = NOW, **facts):
    return promote({**facts_of(Store(run.store), run.run_id), **facts}, promotion, COMPUTE, str(run.store))


def earlier(run: TinyRun, *test_hrs: float, run_id: str = "before") -> None:
    """Write down nights that were, all kept out but the first."""
    where = Store(run.store)
    for number, test_hr in enumerate(test_hrs):
        entry = Entry(at="2026-11-24", action="kept out" if number else "promoted", run_id=f"{run_id}-{number}",
                      champion=f"{run_id}-0", dataset_id="d", metric="hr@10", test_hr=test_hr, reason="")  # fmt: skip
        record(where, standing_of(where, SOURCE, "250k"), entry)


def test_the_first_night_makes_the_champion_and_is_decided_once(copy):
    first = decided(copy)
    assert (first.champion, first.promoted) == (copy.run_id, True)
    standing = standing_of(Store(copy.store), SOURCE, "250k")
    assert decided(copy) == first
    assert standing_of(Store(copy.store), SOURCE, "250k") == standing
    (entry,) = standing.history
    facts = facts_of(Store(copy.store), copy.run_id)
    assert (entry.dataset_id, entry.metric, entry.test_hr) == (copy.dataset_id, "hr@10", facts["test_hr"])


def test_a_run_that_a_rollback_took_down_does_not_come_back_by_being_asked_for_again(copy):
    decided(copy)
    where = Store(copy.store)
    before = standing_of(where, SOURCE, "250k")
    back = before.history[0].model_copy(update={"action": "rolled back", "run_id": "old", "champion": "old"})
    record(where, before, back)
    assert decided(copy).champion == "old"


def test_an_arm_is_not_decided_of(copy):
    assert decided(copy, Promotion(compete=False)) is None
    assert not (copy.store / "champions").exists()


def test_a_worse_run_is_kept_out_with_its_reason(copy, monkeypatch):
    earlier(copy, 0.3)
    monkeypatch.setattr(
        promoting, "decision_on", lambda *_: promoting.Decision(promoted=False, reason="it is worse", high=-0.1)
    )
    outcome = decided(copy)
    assert (outcome.champion, outcome.promoted, outcome.reason) == ("before-0", False, "it is worse")
    assert standing_of(Store(copy.store), SOURCE, "250k").history[-1].high == -0.1


@pytest.mark.parametrize(("met", "asked_again"), [("before-0", False), ("another", True)])
def test_a_comparison_counts_while_the_champion_is_the_same(copy, monkeypatch, met, asked_again):
    earlier(copy, 0.3)
    compared = {"champion": met, "promoted": True, "reason": "compared before", "difference": 0.0}
    write_json(copy.store / "runs" / copy.run_id / "champion.json", compared)
    monkeypatch.setattr(promoting, "decision_on", lambda *_: promoting.Decision(promoted=True, reason="compared anew"))
    assert decided(copy).reason == ("compared anew" if asked_again else "compared before")


@pytest.fixture
def published(monkeypatch):
    """Pretend to be inside a flow run; keep what is published."""
    found = {"artifacts": [], "events": []}
    monkeypatch.setattr(promoting, "in_flow_run", lambda: True)
    monkeypatch.setattr(promoting, "create_markdown_artifact", lambda **said: found["artifacts"].append(said))
    monkeypatch.setattr(promoting, "emit_event", lambda **said: found["events"].append(said))
    return found


def test_a_drop_is_an_event_once(copy, published, caplog):
    caplog.set_level("INFO")
    earlier(copy, 0.5, 0.6, 0.7)
    decided(copy, Promotion(nights=2), test_hr=0.3)
    decided(copy, Promotion(nights=2), test_hr=0.3)
    (event,) = published["events"]
    assert event["event"] == "sawtooth.quality.dropped"
    assert event["resource"]["prefect.resource.id"] == f"sawtooth.champion.{SOURCE}.250k"
    payload = event["payload"]
    assert (payload["run_id"], payload["test_hr"], payload["median_hr"], payload["nights"]) == (
        copy.run_id, 0.3, pytest.approx(0.65), 2,
    )  # fmt: skip
    json.dumps(payload)
    assert "QUALITY DROPPED: hr@10 on test is 0.3000, 54% below 0.6500, the median of the last 2 nights" in caplog.text


def test_no_drop_no_event_and_the_page_says_who_reigns(copy, published):
    earlier(copy, 0.5)
    decided(copy, test_hr=0.46)
    assert published["events"] == []
    (page,) = published["artifacts"]
    assert page["key"] == "champion-250k"
    assert f"# Champion of {SOURCE}, 250k: run {copy.run_id}" in page["markdown"]
    assert "| before-0 |" in page["markdown"]


def _promote(root: str, run_id: str, start) -> None:
    start.wait(120)
    promote({**facts_of(Store(root), run_id), "run_id": run_id}, NOW, COMPUTE, str(root))


def test_two_nights_at_once_are_both_decided(copy):
    shutil.copytree(copy.store / "runs" / copy.run_id, copy.store / "runs" / "twin")
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    run_ids = (copy.run_id, "twin")
    nights = [context.Process(target=_promote, args=(copy.store, run_id, start)) for run_id in run_ids]
    for night in nights:
        night.start()
    for night in nights:
        night.join()
    assert [night.exitcode for night in nights] == [0, 0]
    standing = standing_of(Store(copy.store), SOURCE, "250k")
    assert {one.run_id for one in standing.history} == set(run_ids)
    first, other = standing.history
    assert first.action == "promoted"
    assert first.reason == "it is the first of its source and size"
    assert "not worse than the champion on the same test windows: hr@10 differs by +0.0000" in other.reason
    assert standing.run_id == other.run_id
