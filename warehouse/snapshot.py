"""Dataset snapshots: written once, hash-checked when opened, memory-mapped, never copied.

Arrays: ``items`` (E, int32: 0 is an item outside the vocabulary, 1 to V are its items), ``users`` (E, int32) and
``times`` (E, int64) in order of user, time and place; for each split ``<split>_ends`` (W, int64: positions of the
targets) and ``<split>_lengths`` (W, uint8). Window w is ``items[end - length : end]`` and its target ``items[end]``.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from warehouse.errors import WarehouseError
from warehouse.extract import FlatLog
from warehouse.fingerprint import digest_of, sha256_of
from warehouse.flat import user_slices, within
from warehouse.splits import SPLITS, Drawn
from warehouse.store import read_json
from warehouse.windows import Candidates


@dataclass(frozen=True)
class Snapshot:
    """An opened dataset: its manifest and its arrays, mapped from disk."""

    folder: Path
    manifest: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    @property
    def dataset_id(self) -> str:
        """Return the dataset's id."""
        return str(self.manifest["dataset_id"])

    @property
    def n_items(self) -> int:
        """Return the size of the vocabulary."""
        return int(self.manifest["counts"]["items"])

    def item_ids(self) -> list[str]:
        """Return the vocabulary: the id of code c at place c - 1."""
        ids: list[str] = pq.read_table(self.folder / "items.parquet").column("item").to_pylist()
        return ids

    def user_ids(self) -> list[str]:
        """Return the users: the id of code c at place c."""
        ids: list[str] = pq.read_table(self.folder / "users.parquet").column("user").to_pylist()
        return ids


def write_arrays(work: Path, log: FlatLog, windows: Candidates, drawn: Drawn) -> dict[str, Any]:
    """Write a snapshot's arrays and vocabularies. Returns counts of what was written."""
    codes = np.zeros(len(log.item_ids), np.int32)
    codes[drawn.vocabulary] = np.arange(1, len(drawn.vocabulary) + 1, dtype=np.int32)
    unknown, targets = _write_events(work, log, codes, drawn.ends["train"])
    for split, ends in drawn.ends.items():
        np.save(work / f"{split}_ends.npy", ends)
        np.save(work / f"{split}_lengths.npy", windows.lengths[ends])
    _write_ids(work, log, drawn, targets)
    return {
        "windows": {split: len(ends) for split, ends in drawn.ends.items()},
        "events": len(log.items),
        "events_unknown_item": unknown,
        "users": len(log.user_ids),
        "items": len(drawn.vocabulary),
    }


def _write_events(
    work: Path, log: FlatLog, codes: NDArray[np.int32], train_ends: NDArray[np.int64]
) -> tuple[int, NDArray[np.int64]]:
    """Write the events, items as codes of the vocabulary. Returns unknown items, and each code's train targets."""
    unknown, targets = 0, np.zeros(int(codes.max(initial=0)) + 1, np.int64)
    arrays: dict[str, NDArray[Any]] = {"users": log.users, "items": log.items, "times": log.times}
    with ExitStack() as stack:
        files = {name: stack.enter_context((work / f"{name}.npy").open("wb")) for name in arrays}
        for name, file in files.items():
            np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(arrays[name]))
        for part in user_slices(*arrays.values()):
            items = codes[log.items[part]]
            unknown += int(np.count_nonzero(items == 0))
            targets += np.bincount(items[within(train_ends, part)], minlength=len(targets))
            for name, file in files.items():
                file.write((items if name == "items" else arrays[name][part]).data)
    return unknown, targets


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each of a snapshot's files but its manifest."""
    files = sorted(path for path in folder.iterdir() if path.suffix in {".npy", ".parquet"})
    return {path.name: sha256_of(path) for path in files}


def open_snapshot(folder: Path) -> Snapshot:
    """Open a dataset; every file's hash is checked against the manifest, and the manifest's own.

    Raises
    ------
    WarehouseError
        If a file is missing or altered; it is named.
    """
    manifest = read_json(folder / "manifest.json")
    advice = f"the dataset is not used. Remove {folder} and ask again to build it anew"
    if manifest.get("hash") != manifest_hash(manifest):
        message = f"{folder / 'manifest.json'} was altered: {advice}"
        raise WarehouseError(message)
    for name, expected in manifest["hashes"].items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != expected:
            what = "was altered" if path.is_file() else "is missing"
            message = f"{path} {what}: {advice}"
            raise WarehouseError(message)
    names = [
        "items",
        "users",
        "times",
        *(f"{split}_{what}" for split in SPLITS for what in ("ends", "lengths")),
    ]
    return Snapshot(folder, manifest, {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names})


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """Return the digest of all of a manifest but the digest itself."""
    return digest_of({key: value for key, value in manifest.items() if key != "hash"})


def _write_ids(work: Path, log: FlatLog, drawn: Drawn, targets: NDArray[np.int64]) -> None:
    items = {
        "code": np.arange(1, len(drawn.vocabulary) + 1, dtype=np.int32),
        "item": log.item_ids.take(pa.array(drawn.vocabulary)),
        "train_targets": targets[1:],
    }
    users = {
        "code": np.arange(len(log.user_ids), dtype=np.int32),
        "user": log.user_ids,
    }
    pq.write_table(pa.table(items), work / "items.parquet")
    pq.write_table(pa.table(users), work / "users.parquet")
