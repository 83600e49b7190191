"""Every published folder is looked at, and what is missing or altered is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse.checkup import check
from warehouse.fingerprint import sha256_of
from warehouse.store import Store, write_json


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store with one published folder of each kind."""
    for kind, note, file in [
        ("datasets/d", "manifest.json", "items.npy"),
        ("runs/r", "DONE", "run.json"),
        ("studies/s", "DONE", "study.json"),
        ("events/source/b", "batch.json", "events.parquet"),
    ]:
        folder = tmp_path / kind
        folder.mkdir(parents=True)
        (folder / file).write_text(kind)
        hashes = {file: sha256_of(folder / file)}
        listed = {"manifest.json": {"hashes": hashes}, "batch.json": {"events_sha256": hashes[file]}}
        write_json(folder / note, listed.get(note, {"files": hashes}))
    return Store(tmp_path)


def test_a_whole_store_is_well(store: Store) -> None:
    for deep in (False, True):
        checkup = check(store, deep=deep)
        assert (checkup.folders, checkup.wrong) == (4, [])


def test_a_store_that_is_not_there_yet_is_well(tmp_path: Path) -> None:
    assert check(Store(tmp_path / "none"), deep=True).folders == 0


@pytest.mark.parametrize(
    "file", ["datasets/d/items.npy", "runs/r/run.json", "studies/s/study.json", "events/source/b/events.parquet"]
)
def test_a_missing_file_is_named(store: Store, file: str) -> None:
    (store.root / file).unlink()
    assert check(store, deep=False).wrong == [f"{store.root / file} is missing"]


def test_an_altered_file_is_named_when_hashes_are_compared(store: Store) -> None:
    path = store.root / "runs/r/run.json"
    path.write_text("other")
    assert check(store, deep=False).wrong == []
    assert check(store, deep=True).wrong == [f"{path} was altered"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "DONE is not in the store"),
        (lambda path: path.write_text("{"), "DONE is damaged"),
        (lambda path: path.write_text("{}"), "DONE is damaged (no 'files')"),
    ],
    ids=["missing", "no JSON", "without its list"],
)
def test_a_folder_whose_list_cannot_be_read_is_named(store: Store, spoil: Callable[[Path], object], said: str) -> None:
    spoil(store.root / "runs/r/DONE")
    [wrong] = check(store, deep=False).wrong
    assert said in wrong
