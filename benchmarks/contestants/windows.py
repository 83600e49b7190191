"""The windows of the benchmarks, and the files by which every contestant gets the same ones."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.windows import HISTORY, TrainingData, WindowSet


def data_of(n_items: int, n_windows: int, n_validation: int = 1_000) -> TrainingData:
    """Make random windows; speed does not depend on what they say."""
    rng = np.random.default_rng(0)
    events = (rng.zipf(1.3, n_windows + n_validation + HISTORY) % n_items + 1).astype(np.int32)

    def windows(start: int, count: int) -> WindowSet:
        ends = np.arange(start, start + count, dtype=np.int64) + HISTORY
        return WindowSet(events, ends, np.full(count, HISTORY, np.uint8))

    validation = windows(n_windows, n_validation)
    return TrainingData(windows(0, n_windows), validation, validation, n_items)


def drawn(windows: WindowSet, count: int) -> WindowSet:
    """Draw some of the windows without an unknown item, which not every contestant can tell from padding; in order."""
    history, target = padded(windows)
    known = np.flatnonzero(((history > 0).sum(1) == windows.lengths) & (target > 0))
    chosen = np.sort(np.random.default_rng(0).choice(known, min(count, len(known)), replace=False))
    return replace(windows, ends=windows.ends[chosen], lengths=windows.lengths[chosen])


def padded(windows: WindowSet) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return windows as one matrix of histories, 0 after the last item, and their targets."""
    column = np.arange(HISTORY)
    places = windows.ends[:, None] - windows.lengths[:, None].astype(np.int64) + column
    inside = column < windows.lengths[:, None]
    return np.where(inside, windows.events[np.where(inside, places, 0)], 0), windows.events[windows.ends]


def write(data: TrainingData, folder: Path) -> None:
    """Write the train and validation windows as arrays, and as the atomic files that RecBole reads."""
    atomic = folder / "atomic"
    atomic.mkdir(parents=True)
    (folder / "catalogue.json").write_text(json.dumps({"n_items": data.n_items}))
    np.save(folder / "events.npy", data.train.events)
    for split, windows in (("train", data.train), ("validation", data.validation)):
        np.save(folder / f"{split}_ends.npy", windows.ends)
        np.save(folder / f"{split}_lengths.npy", windows.lengths)
        (atomic / f"atomic.{split}.inter").write_text(_interactions(windows))
    # Items that no window holds are in the catalogue all the same.
    (atomic / "atomic.item").write_text("\n".join(["item_id:token", *map(str, range(1, data.n_items + 1))]) + "\n")


def _interactions(windows: WindowSet) -> str:
    history, target = padded(windows)
    rows = ["user_id:token\titem_id_list:token_seq\titem_id:token"]
    for user, length in enumerate(windows.lengths):
        rows.append(f"{user}\t{' '.join(map(str, history[user, :length]))}\t{target[user]}")
    return "\n".join(rows) + "\n"


def read(folder: Path) -> TrainingData:
    """Map what was written."""
    events = np.load(folder / "events.npy", mmap_mode="r")

    def windows(split: str) -> WindowSet:
        ends, lengths = (np.load(folder / f"{split}_{name}.npy", mmap_mode="r") for name in ("ends", "lengths"))
        return WindowSet(events, ends, lengths)

    n_items = json.loads((folder / "catalogue.json").read_text())["n_items"]
    return TrainingData(windows("train"), windows("validation"), windows("validation"), n_items)
