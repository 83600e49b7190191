"""The checkpoints of a training on disk: whole or not at all, the last two kept, a damaged one never used.

``<draft>/checkpoints/step-N/`` holds arrays.safetensors, records.json and DONE, which lists the SHA-256 of both. The
process that writes holds the lock of the run.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from warehouse.errors import WarehouseError
from warehouse.fingerprint import sha256_of
from warehouse.runs import CHECKPOINTS, Draft, sealed
from warehouse.store import fresh, publish, read_json, told_plainly

KEPT = 2
"""Checkpoints: the newest, and the one before for when it is damaged."""
_ARRAYS, _RECORDS, _PARTIAL = "arrays.safetensors", "records.json", "partial"


@dataclass(frozen=True)
class Stored:
    """A checkpoint as read back."""

    step: int
    arrays: dict[str, NDArray[Any]]
    records: dict[str, Any]


def write_checkpoint(draft: Draft, step: int, arrays: Mapping[str, NDArray[Any]], records: Mapping[str, Any]) -> Path:
    """Write a checkpoint beside the one before, and remove older ones. Returns its folder.

    Parameters
    ----------
    draft
        Of the run.
    step
        Updates made; names the folder.
    arrays
        Numbers by name.
    records
        JSON values; infinity and NaN are written as Python's JSON does.

    Raises
    ------
    WarehouseError
        If the disk refuses; older checkpoints are left as they are.
    """
    folder = draft.folder / CHECKPOINTS
    partial, final = fresh(folder / _PARTIAL), folder / f"step-{step}"
    with told_plainly(partial):
        try:
            (partial / _ARRAYS).write_bytes(save(dict(arrays)))
            (partial / _RECORDS).write_text(json.dumps(records), encoding="utf-8")
            sealed(partial)
            shutil.rmtree(final, ignore_errors=True)  # one that was refused; or the same training, a moment ago
            publish(partial, final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        for old in _newest_first(folder)[KEPT:]:
            shutil.rmtree(old)
    return final


def newest_checkpoint(draft: Draft, tell: Callable[[str], None]) -> Stored | None:
    """Read the newest checkpoint that is what was written; say so of each that is not, and remove it."""
    for folder in _newest_first(draft.folder / CHECKPOINTS):
        if _is_good(folder):
            records = json.loads((folder / _RECORDS).read_text(encoding="utf-8"))
            return Stored(_step_of(folder), load_file(folder / _ARRAYS), records)
        tell(
            f"warning: {folder} is damaged (by SHA-256) and removed; the checkpoint before it is used, if there is one"
        )
        shutil.rmtree(folder, ignore_errors=True)  # or it would count as one of those to keep
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), key=_step_of, reverse=True)


def _step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def _is_good(folder: Path) -> bool:
    """Return whether both files are those that DONE lists."""
    try:
        hashes = read_json(folder / "DONE").get("files", {})
        return all(sha256_of(folder / name) == hashes.get(name) for name in (_ARRAYS, _RECORDS))
    except WarehouseError:
        return False
