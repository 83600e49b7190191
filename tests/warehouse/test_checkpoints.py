"""Checkpoints on disk: whole or not at all, two of them, and never a damaged one."""

import errno
import math
import os
from pathlib import Path

import numpy as np
import pytest

from warehouse.checkpoints import newest_checkpoint, write_checkpoint
from warehouse.errors import WarehouseError
from warehouse.runs import Draft, draft_of, finish
from warehouse.store import Store

ARRAYS = {
    "model/weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "step": np.array(7.0, dtype=np.float32),
    "random": np.arange(5, dtype=np.uint8),
    "empty": np.empty((0, 3)),
}
RECORDS = {"points": [[1, 0.1, None, "loss"]], "best": math.inf, "step": 3}


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    return draft_of(Store(tmp_path), "r1", anew=True)


def names(draft: Draft) -> list[str]:
    return sorted(path.name for path in (draft.folder / "checkpoints").iterdir())


def test_what_is_read_is_what_was_written(draft: Draft, capsys) -> None:
    write_checkpoint(draft, 12, ARRAYS, RECORDS)
    found = newest_checkpoint(draft, pytest.fail)
    assert (found.step, found.records) == (12, RECORDS)
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in found.arrays.items()} == {
        name: (array.dtype, array.shape, array.tobytes()) for name, array in ARRAYS.items()
    }


def test_the_last_two_are_kept_by_number(draft: Draft) -> None:
    for step in (8, 9, 10):
        write_checkpoint(draft, step, ARRAYS, RECORDS)
    assert names(draft) == ["step-10", "step-9"]
    assert newest_checkpoint(draft, pytest.fail).step == 10


def test_there_may_be_none(draft: Draft) -> None:
    assert newest_checkpoint(draft, pytest.fail) is None


@pytest.mark.parametrize("name", ["arrays.safetensors", "records.json", "DONE"])
@pytest.mark.parametrize("how", ["flipped", "cut", "gone", "empty"])
def test_a_damaged_one_is_refused_and_the_one_before_is_used(draft: Draft, name: str, how: str) -> None:
    for step in (1, 2):
        write_checkpoint(draft, step, ARRAYS, RECORDS)
    path = draft.folder / "checkpoints" / "step-2" / name
    content = path.read_bytes()
    middle = len(content) // 2
    damaged = {
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "cut": content[:-3],
        "empty": b"",
    }
    path.unlink() if how == "gone" else path.write_bytes(damaged[how])
    told: list[str] = []
    assert newest_checkpoint(draft, told.append).step == 1
    assert [line for line in told if "step-2 is damaged" in line] == told != []
    assert names(draft) == ["step-1"]
    write_checkpoint(draft, 2, ARRAYS, RECORDS)  # reached again
    assert newest_checkpoint(draft, pytest.fail).step == 2


def test_where_all_are_damaged_there_is_none(draft: Draft) -> None:
    write_checkpoint(draft, 1, ARRAYS, RECORDS)
    (draft.folder / "checkpoints" / "step-1" / "DONE").unlink()
    told: list[str] = []
    assert newest_checkpoint(draft, told.append) is None
    assert len(told) == 1


def test_what_a_killed_writer_left_is_not_read_and_goes_with_the_next(draft: Draft) -> None:
    write_checkpoint(draft, 1, ARRAYS, RECORDS)
    partial = draft.folder / "checkpoints" / "partial"
    partial.mkdir()
    (partial / "arrays.safetensors").write_bytes(b"half")
    assert newest_checkpoint(draft, pytest.fail).step == 1
    write_checkpoint(draft, 2, ARRAYS, RECORDS)
    assert names(draft) == ["step-1", "step-2"]


@pytest.mark.parametrize("refused", ["write_bytes", "write_text", "rename"])
def test_a_full_disk_is_said_and_costs_no_older_checkpoint(
    draft: Draft, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        write_checkpoint(draft, step, ARRAYS, RECORDS)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, refused, full)
    with pytest.raises(WarehouseError, match="no space left on device; free space"):
        write_checkpoint(draft, 3, ARRAYS, RECORDS)
    assert names(draft) == ["step-1", "step-2"]
    assert newest_checkpoint(draft, pytest.fail).step == 2


def test_every_file_is_synced_before_the_name_is_given(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr("os.fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    write_checkpoint(draft, 5, ARRAYS, RECORDS)
    assert {"arrays.safetensors", "records.json", "DONE", "partial"} <= set(synced)
    assert synced[-1] == "checkpoints"


def test_a_draft_made_anew_keeps_them_and_what_is_published_has_none(draft: Draft, tmp_path: Path) -> None:
    (draft.folder / "half.parquet").write_bytes(b"half")
    write_checkpoint(draft, 5, ARRAYS, RECORDS)
    again = draft_of(Store(tmp_path), "r1", anew=True)
    assert [path.name for path in again.folder.iterdir()] == ["checkpoints"]
    (again.folder / "model").write_bytes(b"whole")
    (again.folder / ".run.json.4711").write_bytes(b"a killed process's")
    again.mark("trained")
    assert again.has("trained")
    write_checkpoint(draft, 6, ARRAYS, RECORDS)
    assert again.has("trained")
    published = finish(Store(tmp_path), again)
    assert sorted(path.name for path in published.iterdir()) == ["DONE", "model"]
