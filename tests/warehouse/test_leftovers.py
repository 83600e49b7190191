"""What crashed writers left: of no use to anybody and held by nobody, or not touched."""

from pathlib import Path

import pytest

from warehouse.leftovers import remove_leftovers
from warehouse.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a store in which everything was cut off in the midst."""
    store = Store(tmp_path)
    for kind in ("datasets", "scratch", "events", "runs", "studies"):
        folder = store.work(kind, "cut-off")
        folder.mkdir(parents=True)
        (folder / "half").write_bytes(b"half")
    return store


def left(store: Store) -> set[str]:
    return {path.parent.name for path in (store.root / "work").glob("*/cut-off")}


def test_what_is_begun_anew_goes_and_what_is_gone_on_with_stays(store: Store) -> None:
    removed = remove_leftovers(store)
    assert left(store) == {"runs", "studies"}
    assert {path.parent.name for path in removed} == {"datasets", "scratch", "events"}
    assert remove_leftovers(store) == []


def test_drafts_of_what_was_published_go(store: Store) -> None:
    store.run("cut-off").mkdir(parents=True)
    store.study("cut-off").mkdir(parents=True)
    remove_leftovers(store)
    assert left(store) == set()


@pytest.mark.parametrize(("lock", "kept"), [("datasets", {"datasets", "scratch"}), ("events", {"events"})])
def test_what_somebody_holds_is_not_touched(store: Store, lock: str, kept: set[str]) -> None:
    with store.lock(lock, "cut-off", pytest.fail):
        remove_leftovers(store)
        assert left(store) == {"runs", "studies"} | kept
    remove_leftovers(store)
    assert left(store) == {"runs", "studies"}


def test_a_published_run_that_somebody_looks_after_is_not_touched(store: Store) -> None:
    store.run("cut-off").mkdir(parents=True)
    with store.lock("runs", "cut-off", pytest.fail):
        remove_leftovers(store)
    assert "runs" in left(store)


def test_what_has_no_name_of_the_store_is_left_alone(store: Store) -> None:
    strange = store.root / "work" / "runs" / ".DS_Store"
    strange.write_bytes(b"")
    remove_leftovers(store)
    assert strange.exists()


def test_an_empty_store_has_none(tmp_path: Path) -> None:
    assert remove_leftovers(Store(tmp_path / "none")) == []
