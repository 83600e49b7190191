"""Candidate windows to splits: which belong where, and which are drawn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.config import Dataset
from warehouse.extract import FlatLog
from warehouse.flat import user_slices, within
from warehouse.windows import Candidates

SPLITS = ("train", "validation", "test")
_NONE = 255
_BINS = 1 << 16

Mask = Callable[[slice], NDArray[np.bool_]]


@dataclass(frozen=True)
class Drawn:
    """The windows of each split, as sorted positions of their targets, and how they came about."""

    ends: dict[str, NDArray[np.int64]]
    candidates: dict[str, int]
    asked: dict[str, int]
    unknown_targets: dict[str, int]
    vocabulary: NDArray[np.int32]  # V codes of the log, sorted


def draw(log: FlatLog, windows: Candidates, config: Dataset, asked: dict[str, int]) -> Drawn:
    """Draw each split's windows of the smallest rank; the vocabulary is what the train windows show.

    Targets of validation and test that train does not know are passed over, or drawn as the others are, by setting.
    """
    places = _places(log, windows, config)
    counted = np.concatenate([np.bincount(places[part], minlength=256)[None] for part in user_slices(log.users)])
    totals = counted.sum(0)
    ends = {"train": _smallest(log, windows, lambda part: places[part] == 0, asked["train"])}
    vocabulary = _vocabulary(log, windows, ends["train"])
    known = np.zeros(len(log.item_ids), bool)
    known[vocabulary] = True
    unknown = {}
    for number, split in enumerate(SPLITS[1:], start=1):
        mask = _split_mask(log, places, number, known if config.unknown_targets == "drop" else None)
        ends[split] = _smallest(log, windows, mask, asked[split])
        strange = _split_mask(log, places, number, ~known)
        unknown[split] = sum(int(np.count_nonzero(strange(part))) for part in user_slices(log.users, log.items))
    counts = {split: int(totals[number]) for number, split in enumerate(SPLITS)}
    return Drawn(ends, counts, asked, unknown, vocabulary)


def _places(log: FlatLog, windows: Candidates, config: Dataset) -> NDArray[np.uint8]:
    """Return each event's split as its number in SPLITS, 255 where its history is too short."""
    places = np.empty(len(log.items), np.uint8)
    for part in user_slices(log.users, log.times, windows.lengths):
        if config.split.kind == "temporal":
            cuts = np.array([log.cuts.train_until, log.cuts.validation_until])
            place = np.searchsorted(cuts, log.times[part], side="right").astype(np.uint8)
        else:
            place = _from_the_end(log.users[part])
        places[part] = np.where(windows.lengths[part] >= config.min_history, place, _NONE)
    return places


def _from_the_end(users: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return 2 for a user's last event, 1 for the one before, 0 for all others."""
    last = np.ones(len(users), bool)
    last[:-1] = users[1:] != users[:-1]
    before = np.zeros(len(users), bool)
    before[:-1] = last[1:] & ~last[:-1]
    return np.where(last, 2, np.where(before, 1, 0)).astype(np.uint8)


def _split_mask(log: FlatLog, places: NDArray[np.uint8], number: int, wanted: NDArray[np.bool_] | None) -> Mask:
    def mask(part: slice) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = places[part] == number
        return inside if wanted is None else inside & wanted[log.items[part]]

    return mask


def _smallest(log: FlatLog, windows: Candidates, mask: Mask, count: int) -> NDArray[np.int64]:
    """Return the positions of the ``count`` smallest ranks under a mask, sorted.

    Ranks are even, so a histogram of their upper 16 bits finds the few that have to be compared at all.
    """
    counts = np.zeros(_BINS, np.int64)
    for part in user_slices(log.users, log.items, windows.ranks):
        counts += np.bincount(_bin(windows.ranks[part][mask(part)]), minlength=_BINS)
    limit = int(np.searchsorted(np.cumsum(counts), count))
    below, at_limit = [], []
    for part in user_slices(log.users, log.items, windows.ranks):
        inside = np.flatnonzero(mask(part))
        bins = _bin(windows.ranks[part][inside])
        below.append(part.start + inside[bins < limit])
        at_limit.append(part.start + inside[bins == limit])
    nearest, rest = np.concatenate(below), np.concatenate(at_limit)
    rest = rest[np.argsort(windows.ranks[rest], kind="stable")[: count - len(nearest)]]
    return np.sort(np.concatenate([nearest, rest]), kind="stable")  # of sorted runs: a merge


def _bin(ranks: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (ranks >> np.uint64(48)).astype(np.int64)


def _vocabulary(log: FlatLog, windows: Candidates, ends: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the items that the train windows show, as targets or in their histories."""
    shown = np.zeros(len(log.item_ids), bool)
    for part in user_slices(log.users, log.items, windows.lengths):
        size, last = part.stop - part.start, within(ends, part)
        opened = np.bincount(last - windows.lengths[part][last], minlength=size)
        closed = np.bincount(last + 1, minlength=size)[:size]
        shown[log.items[part][np.cumsum(opened - closed) > 0]] = True
    return np.flatnonzero(shown).astype(np.int32)
