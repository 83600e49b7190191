"""What is removed, and that nothing in use ever is."""

import os
import time
from pathlib import Path

import pytest

from tests.warehouse import study_cases as cases
from warehouse import pruning
from warehouse.champions import Entry, record, standing_of
from warehouse.errors import WarehouseError
from warehouse.policies import Keep
from warehouse.pruning import noted_use, plan, prune
from warehouse.runs import draft_of, finish
from warehouse.store import Store, fresh, write_json
from warehouse.studies import publish_study

OLD_S = 10 * 86_400
TIGHT = Keep(newest=1, best=0, champions=0)


def quiet(_: str) -> None: ...


def aged(path: Path, age_s: float = OLD_S) -> None:
    """Make a folder and all in it as old as that."""
    at = time.time() - age_s
    for one in [*path.rglob("*"), path]:
        os.utime(one, (at, at))


def run(store: Store, name: str, dataset: str, age_s: float = OLD_S, test_hr: float = 0.1) -> None:
    draft = draft_of(store, name, anew=True)
    facts = {"run_id": name, "dataset_id": dataset, "source": "shop", "size": "250k", "test_hr": test_hr}
    write_json(draft.folder / "run.json", facts)
    aged(finish(store, draft), age_s)


def dataset(store: Store, name: str, age_s: float = OLD_S) -> None:
    folder = store.dataset(name)
    folder.mkdir(parents=True)
    write_json(folder / "manifest.json", {"dataset_id": name})
    aged(folder, age_s)


def crown(store: Store, name: str) -> None:
    entry = Entry(at="", action="promoted", run_id=name, champion=name, dataset_id="d", metric="hr@10", test_hr=0.1,
                  reason="")  # fmt: skip
    record(store, standing_of(store, "shop", "250k"), entry)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return four old runs, each on a dataset of its own, the newest last, and a dataset of no run."""
    store = Store(tmp_path / "store")
    for number, name in enumerate("abcd"):
        run(store, f"run-{name}", f"data-{name}", OLD_S - number)
        dataset(store, f"data-{name}")
    dataset(store, "data-x")
    return store


def names(found) -> list[str]:
    return [one.name for one in found]


def present(store: Store, kind: str) -> str:
    return "".join(sorted(path.name[-1] for path in (store.root / kind).iterdir()))


def test_a_look_removes_nothing_and_says_what_and_how_much(store: Store) -> None:
    found = plan(store, TIGHT)
    assert names(found) == ["run-a", "run-b", "run-c", "data-a", "data-b", "data-c", "data-x"]
    assert found[0].bytes == sum(path.stat().st_size for path in store.run("run-a").iterdir())
    assert found[0].why == "of shop, 250k, neither newest nor best"
    assert (present(store, "runs"), present(store, "datasets")) == ("abcd", "abcdx")
    assert plan(store, Keep(newest=4, best=0)) == found[-1:]


def test_what_is_planned_is_removed_and_nothing_is_left_of_it(store: Store) -> None:
    planned = plan(store, TIGHT)
    assert prune(store, TIGHT, quiet) == planned
    assert (present(store, "runs"), present(store, "datasets")) == ("d", "d")
    assert list((store.root / "work" / "pruned").iterdir()) == []
    assert prune(store, TIGHT, quiet) == []


def test_champions_and_their_datasets_stay(store: Store) -> None:
    for name in ("run-a", "run-b", "run-c"):
        crown(store, name)
    assert names(plan(store, TIGHT)) == ["run-a", "run-b", "data-a", "data-b", "data-x"]
    assert names(plan(store, Keep(newest=1, best=0, champions=1))) == ["run-a", "data-a", "data-x"]


def test_runs_of_kept_studies_stay_and_go_with_them(store: Store) -> None:
    facts = cases.facts()
    for arm in facts["arms"]:
        for one in arm["runs"]:
            one["run_id"] = "run-b"
    aged(publish_study(store, facts, cases.verdict(), "page", {}))
    assert names(plan(store, TIGHT)) == ["run-a", "run-c", "data-a", "data-c", "data-x"]
    none = TIGHT.model_copy(update={"studies": 0})
    assert names(plan(store, none))[:3] == [cases.STUDY_ID, "run-a", "run-b"]
    prune(store, none, quiet)
    assert (present(store, "studies"), present(store, "runs")) == ("", "d")


def test_a_damaged_study_stops_it_a_damaged_run_is_left_alone(store: Store) -> None:
    (store.run("run-a") / "run.json").write_text("{")
    assert "run-a" not in names(plan(store, TIGHT))
    (store.study("s") / "DONE").parent.mkdir(parents=True)
    (store.study("s") / "DONE").touch()
    with pytest.raises(WarehouseError, match=r"study\.json is not in the store"):
        plan(store, TIGHT)


def test_what_another_holds_is_left_for_the_next_time(store: Store) -> None:
    with store.lock("runs", "run-a", quiet), store.lock("datasets", "data-x", quiet):
        assert not {"run-a", "data-x"} & set(names(prune(store, TIGHT, quiet)))
    assert {"run-a", "data-x"} <= set(names(prune(store, TIGHT, quiet)))


def test_a_run_that_became_the_champion_since_the_plan_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(store, TIGHT)
    monkeypatch.setattr(pruning, "plan", lambda *_: planned)
    crown(store, "run-a")
    assert "run-a" not in names(prune(store, TIGHT, quiet))
    assert store.run("run-a").is_dir()


def test_a_dataset_that_was_asked_for_since_the_plan_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(store, TIGHT)
    monkeypatch.setattr(pruning, "plan", lambda *_: planned)
    noted_use(store.dataset("data-x"))
    assert "data-x" not in names(prune(store, TIGHT, quiet))
    assert store.dataset("data-x").is_dir()


def test_a_dataset_of_a_draft_stays(store: Store) -> None:
    draft = draft_of(store, "new", anew=True)
    write_json(draft.folder / "training.json", {"dataset_id": "data-x"})
    aged(draft.folder, 0)
    assert "data-x" not in names(plan(store, TIGHT))


def test_while_a_training_goes_on_no_dataset_goes(store: Store) -> None:
    """Which one it reads is written at its end; a training of days asked for it days ago."""
    (fresh(store.work("runs", "training") / "checkpoints") / "step-9").write_text("x")
    assert names(plan(store, TIGHT)) == ["run-a", "run-b", "run-c"]
    aged(store.work("runs", "training"))
    assert names(plan(store, TIGHT))[-2:] == ["data-x", "training"]


def test_leftovers_go_when_they_are_old_and_nobody_holds_them(store: Store) -> None:
    for kind, name in (("runs", "dead"), ("runs", "alive"), ("scratch", "built"), ("pruned", "runs-half")):
        (fresh(store.work(kind, name)) / "file").write_text("x")
        aged(store.work(kind, name))
    (fresh(store.work("runs", "young")) / "file").write_text("x")
    (store.root / "work" / "runs" / "No name").mkdir()
    aged(store.root / "work" / "runs" / "No name")
    with store.lock("runs", "alive", quiet), store.lock("datasets", "built", quiet):
        removed = [one.name for one in prune(store, TIGHT, quiet) if one.kind == "leftovers"]
    assert removed == ["runs-half", "dead"]
    assert sorted(path.name for path in (store.root / "work" / "runs").iterdir()) == ["No name", "alive", "young"]


def test_a_crash_in_the_middle_leaves_nothing_half_visible(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(pruning.shutil, "rmtree", lambda path, **_: path.exists() and 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prune(store, TIGHT, quiet)
    assert present(store, "runs") == "bcd"
    aged(store.root / "work" / "pruned")
    assert "runs-run-a" in names(prune(store, TIGHT, quiet))
    assert list((store.root / "work" / "pruned").iterdir()) == []
