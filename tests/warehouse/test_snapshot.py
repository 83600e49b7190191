"""What is opened is what was written: mapped, checked, refused by name where it is not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from warehouse.errors import WarehouseError
from warehouse.snapshot import hashes_of, manifest_hash, open_snapshot
from warehouse.splits import SPLITS

FILES = ["items.npy", "users.npy", "times.npy", "items.parquet", "users.parquet",
         *(f"{split}_{what}.npy" for split in SPLITS for what in ("ends", "lengths"))]  # fmt: skip


@pytest.fixture(scope="module")
def built(new_house: Callable[[], Any], small_rows: Any) -> Any:
    house = new_house()
    return house.store.dataset(house.build(house.ingest_rows(small_rows)).dataset_id)


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """Return a copy of the dataset, to be damaged."""
    import shutil

    return Path(shutil.copytree(built, tmp_path / built.name))


def test_arrays_are_mapped_and_not_copied(folder: Path) -> None:
    arrays = open_snapshot(folder).arrays
    assert set(arrays) == {name.removesuffix(".npy") for name in FILES if name.endswith(".npy")}
    assert all(isinstance(array, np.memmap) and not array.flags.writeable for array in arrays.values())
    assert {name: array.dtype.name for name, array in arrays.items()} == {
        "items": "int32", "users": "int32", "times": "int64",
        **{f"{split}_ends": "int64" for split in SPLITS}, **{f"{split}_lengths": "uint8" for split in SPLITS},
    }  # fmt: skip


def test_codes_and_counts_agree(folder: Path) -> None:
    snapshot = open_snapshot(folder)
    arrays, counts = snapshot.arrays, snapshot.manifest["counts"]
    assert snapshot.dataset_id == folder.name
    assert snapshot.n_items == len(snapshot.item_ids()) == counts["items"] == len(set(snapshot.item_ids()))
    assert len(snapshot.user_ids()) == counts["users"]
    assert len(arrays["items"]) == counts["events"]
    assert {split: len(arrays[f"{split}_ends"]) for split in SPLITS} == counts["windows"]
    assert int((arrays["items"] == 0).sum()) == counts["events_unknown_item"]
    targets = arrays["items"][arrays["train_ends"]]
    table = pq.read_table(folder / "items.parquet")
    assert table["train_targets"].to_pylist() == np.bincount(targets, minlength=snapshot.n_items + 1)[1:].tolist()
    assert table["code"].to_pylist() == list(range(1, snapshot.n_items + 1))
    for split in SPLITS:
        assert (np.diff(arrays[f"{split}_ends"]) > 0).all()


def test_every_file_is_under_a_hash(folder: Path) -> None:
    assert set(open_snapshot(folder).manifest["hashes"]) == set(FILES) == set(hashes_of(folder))
    assert {path.name for path in folder.iterdir()} == {*FILES, "manifest.json"}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0, -1])
def test_one_altered_byte_is_refused_by_name(folder: Path, name: str, place: int) -> None:
    content = bytearray((folder / name).read_bytes())
    content[place] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(WarehouseError, match=rf"{name} was altered: the dataset is not used. Remove .*{folder.name}"):
        open_snapshot(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_removed_file_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(WarehouseError, match=f"{name} is missing"):
        open_snapshot(folder)


@pytest.mark.parametrize("key", ["counts", "hashes", "ties", "hash", "config"])
def test_an_altered_manifest_is_refused(folder: Path, key: str) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest["hash"] == manifest_hash(manifest)
    for changed in ({**manifest, key: {}}, {name: value for name, value in manifest.items() if name != key}):
        path.write_text(json.dumps(changed))
        with pytest.raises(WarehouseError, match=r"manifest\.json was altered"):
            open_snapshot(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "\0", '{"a": 1', "[" * 100_000])
def test_a_manifest_that_is_none_is_refused(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(WarehouseError, match=r"manifest\.json is damaged"):
        open_snapshot(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(WarehouseError, match=r"manifest\.json is not in the store"):
        open_snapshot(folder)
