"""Arithmetic on flat arrays of events, a part at a time, so that memory does not grow with the log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ZEROS = 16_000_000
PART = 4_000_000
"""Events worked on at once, roughly: parts end where a user ends."""


def new_array(path: Path, type_: Any, length: int) -> NDArray[Any]:
    """Return a zeroed array that lives in a file.

    The zeros are written, not mapped: on a full disk a write is an error, a mapped page the process's end.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    left = length * np.dtype(type_).itemsize
    with path.open("wb") as file:
        while left > 0:
            left -= file.write(bytes(min(left, _ZEROS)))
    return np.memmap(path, type_, mode="r+", shape=(length,)) if length else np.empty(0, type_)


def user_slices(users: NDArray[np.int32], part: int = PART) -> Iterator[slice]:
    """Yield slices of about ``part`` events that never divide a user; ``users`` is sorted."""
    start = 0
    while start < len(users):
        stop = min(start + part, len(users))
        if stop < len(users):
            stop = int(np.searchsorted(users, users[stop - 1], side="right"))
        yield slice(start, stop)
        start = stop


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit values evenly and reversibly: the finaliser of SplitMix64 (Steele et al., 2014)."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


def since_start(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each place how far it is from the last start at or before it; the first place is a start."""
    places = np.arange(len(starts))
    return places - np.maximum.accumulate(np.where(starts, places, 0))


def changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return for each place whether it differs from the one before; the first one does."""
    changed = np.ones(len(values), bool)
    changed[1:] = values[1:] != values[:-1]
    return changed
