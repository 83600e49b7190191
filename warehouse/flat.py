"""Arithmetic on flat arrays of events, a part at a time, so that memory does not grow with the log."""

import mmap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

PART = 500_000
"""Events worked on at once, roughly: parts end where a user ends. What is made of so many stays in the cache."""


def written(
    folder: Path, types: Mapping[str, DTypeLike], parts: Iterable[tuple[NDArray[Any], ...]]
) -> list[NDArray[Any]]:
    """Write arrays side by side, a part of each at a time, to files of a folder. Returns them mapped.

    They are written, not mapped and filled: on a full disk a write is an error, a mapped page the process's end.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    paths = [folder / f"{name}.raw" for name in types]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for part in parts:
            for file, type_, array in zip(files, types.values(), part, strict=True):
                file.write(np.ascontiguousarray(array, type_).data)
    return [_mapped(path, type_) for path, type_ in zip(paths, types.values(), strict=True)]


def _mapped(path: Path, type_: DTypeLike) -> NDArray[Any]:
    return np.memmap(path, type_, mode="r+") if path.stat().st_size else np.empty(0, type_)


def user_slices(users: NDArray[np.int32], *also: NDArray[Any], part: int = PART) -> Iterator[slice]:
    """Yield slices of about ``part`` events that never divide a user; ``users`` is sorted.

    What a slice has touched of ``users`` and of the arrays named with it is let go before the next.
    """
    start = 0
    while start < len(users):
        stop = min(start + part, len(users))
        if stop < len(users):
            stop = int(np.searchsorted(users, users[stop - 1], side="right"))
        yield slice(start, stop)
        for array in (users, *also):
            let_go(array)
        start = stop


def let_go(array: NDArray[Any]) -> None:
    """Give a mapped array's pages back, so that they do not count as the process's; the file still holds them."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)


def within(positions: NDArray[np.int64], part: slice) -> NDArray[np.int64]:
    """Return those of some sorted positions that lie in a part, counted from its start."""
    first, last = np.searchsorted(positions, [part.start, part.stop])
    inside: NDArray[np.int64] = positions[first:last] - part.start
    return inside


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
