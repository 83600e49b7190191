"""The machine's clock goes back a week between two nights: order is that of decisions and steps, not of times."""

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

import tasks.conclude
import tasks.judge
import tasks.train_draft
import warehouse.champions
import warehouse.datasets
import warehouse.ingest
from flows.command_line import main
from tests.flows.conftest import words_for
from warehouse.champions import champion_of
from warehouse.store import Store

WEEK = timedelta(days=7)
TOLD_THE_TIME = (
    tasks.conclude, tasks.judge, tasks.train_draft, warehouse.champions, warehouse.datasets, warehouse.ingest,
)  # fmt: skip


class Late(datetime):
    """A clock that is a week late."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) - WEEK


@pytest.fixture
def a_week_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in TOLD_THE_TIME:
        monkeypatch.setattr(module, "datetime", Late)
    is_now = time.time
    monkeypatch.setattr(time, "time", lambda: is_now() - WEEK.total_seconds())


def test_a_night_after_the_clock_went_back_is_the_next_night(tiny_night, tmp_path, a_week_back, capsys):
    store = tmp_path / "store"
    shutil.copytree(tiny_night.store, store)
    words = words_for(store, training__seed=1, promotion__max_drop=0.9)
    assert main([*words, "--format", "json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert not second["reused"]
    history = champion_of(Store(store), None, "250k").history
    assert [entry.run_id for entry in history] == [tiny_night.night["run_id"], second["run_id"]]
    assert history[1].at < history[0].at, "this test turned no clock back"
    assert datetime.fromisoformat(history[1].at) < datetime.now(UTC) - WEEK / 2
    assert main([*words, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["reused"]


def test_what_is_of_the_future_is_not_pruned(tiny_night, tmp_path, a_week_back, capsys):
    store = tmp_path / "store"
    shutil.copytree(tiny_night.store, store)
    run = store / "runs" / tiny_night.night["run_id"]
    shutil.copytree(run, store / "runs" / "twin")
    os.utime(store / "runs" / "twin" / "DONE")
    assert main(["prune", "--store", str(store), "--keep.newest", "1", "--keep.best", "0", "--apply", "true"]) == 0
    assert "removed 0 of" in capsys.readouterr().out
    assert (store / "runs" / "twin").is_dir()
