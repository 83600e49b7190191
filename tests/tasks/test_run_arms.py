"""Runs are made a few at a time, once each, and one that fails does not stop the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from models.config import Compute
from tasks import run_arms as running
from tasks.plan import plan_arms
from tasks.run_arms import remaining_s, run_arms, workers_of
from tests.tasks.conftest import TINY
from warehouse.config import Sweep
from warehouse.errors import WarehouseError
from warehouse.store import Store, write_json


@dataclass
class FakeProcess:
    """A run that is over when it was looked at twice; it leaves a folder in the store unless it fails."""

    world: "World"
    run: object
    looks: int = 0
    ended: bool = False

    def is_over(self) -> bool:
        self.looks += 1
        if self.looks < 2:
            return False
        self.world.alive -= 1
        if str(self.run) not in self.world.failing:
            folder = self.world.store.run(self.run.run_id)
            folder.mkdir(parents=True)
            write_json(folder / "DONE", {"files": {}})
        return True

    def last_words(self) -> str:
        return "no disk (exit code 1)"

    def end(self) -> None:
        self.ended = True


@dataclass
class World:
    """A store, and what was started in it."""

    store: Store
    failing: frozenset[str] = frozenset()
    started: list[FakeProcess] = field(default_factory=list)
    alive: int = 0
    most: int = 0
    stops_at: int | None = None

    @contextmanager
    def arms(self, _plan) -> Iterator[object]:
        yield self.start

    def start(self, run) -> FakeProcess:
        if self.stops_at == len(self.started):
            raise KeyboardInterrupt
        self.alive += 1
        self.most = max(self.most, self.alive)
        self.started.append(FakeProcess(self, run))
        return self.started[-1]

    @property
    def names(self) -> list[str]:
        return [str(process.run) for process in self.started]


@pytest.fixture
def world(tmp_path, monkeypatch):
    world = World(Store(tmp_path))
    monkeypatch.setattr(running, "arms_here", world.arms)
    monkeypatch.setattr(running, "POLL_S", 0)
    return world


def planned(world, workers=2, rates=(0.003, 0.01, 0.1), seeds=2):
    study = Sweep(rates=rates, seeds=seeds, workers=workers)
    return plan_arms(replace(TINY, study=study, store=str(world.store.root)), "d")


def test_every_run_is_made_and_no_more_than_may_at_once(world):
    run_arms(planned(world))
    assert len(world.names) == len(set(world.names)) == 6
    assert world.most == 2


def test_the_base_runs_first(world):
    run_arms(planned(world))
    assert world.names[:2] == ["lr-0.003-seed-0", "lr-0.003-seed-1"]


def test_arms_that_are_planned_later_are_run_later(world):
    plan = planned(world)
    known, later = plan.arms[:2], plan.arms[2:]
    run_arms(replace(plan, arms=known, n_later=2))
    assert len(world.names) == 4
    run_arms(replace(plan, arms=(*known, *later)))
    assert sorted(world.names[4:]) == ["lr-0.1-seed-0", "lr-0.1-seed-1"]


def test_what_is_in_the_store_is_not_run_again(world, caplog):
    plan = planned(world)
    run_arms(plan)
    world.started.clear()
    caplog.clear()  # another test of this process may have left the log's level at INFO
    with caplog.at_level("INFO", logger="sawtooth"):
        run_arms(plan)
    assert world.started == []
    assert caplog.messages == ["6 of 6 runs of this study are in the store"]


def test_a_failed_run_is_named_when_the_others_are_done(world):
    world.failing = frozenset({"lr-0.003-seed-1"})
    with pytest.raises(WarehouseError, match=r"^1 of 6 runs failed, .*: lr-0.003-seed-1: no disk \(exit code 1\)$"):
        run_arms(planned(world))
    assert len(world.names) == 6
    world.failing = frozenset()
    world.started.clear()
    run_arms(planned(world))  # asked again, it goes on where it was
    assert world.names == ["lr-0.003-seed-1"]


def test_a_stop_ends_what_is_under_way(world):
    world.stops_at = 3
    with pytest.raises(KeyboardInterrupt):
        run_arms(planned(world))
    assert [process.ended for process in world.started if process.looks < 2] == [True]


def test_progress_counts_all_runs_of_the_study(world, caplog):
    with caplog.at_level("INFO", logger="sawtooth"):
        plan = planned(world, workers=1)
        run_arms(replace(plan, arms=plan.arms[:1], n_later=4))
    assert caplog.messages[0] == "2 of 6 runs to make, 1 at a time"
    assert [line.partition(",")[0] for line in caplog.messages[1:]] == [f"{n} of 6 runs done" for n in range(3)]
    assert "left" not in caplog.messages[1]
    assert caplog.messages[2].endswith("left")


def test_what_is_left_takes_as_long_as_what_was_done():
    assert remaining_s([60.0, 120.0], 5, workers=2) == 270.0


def test_a_worker_a_core_unless_said(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    assert workers_of(None, Compute(device="cpu")) == 3
    assert workers_of(7, Compute(device="cpu")) == 7


def test_one_worker_on_a_gpu(monkeypatch):
    monkeypatch.setattr("models.device.pick_device", lambda _: type("Device", (), {"type": "cuda"}))
    assert workers_of(None, Compute()) == 1
