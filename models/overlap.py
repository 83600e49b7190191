"""Which validation windows are in train too: history and target alike, item for item.

Windows are compared by a 64-bit hash of their items. Two different ones share it once in 2^64, so that among 5.5
million times 1 million pairs a false match is a matter of one in three million.

Legend: W windows, L longest history (10), B windows of a block.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.run_record import Overlap
from models.windows import HISTORY, WindowSet

_FEWEST_ITEMS = 5
"""In the history: shorter ones are often alike by chance."""
_BLOCK = 2**17
"""Windows hashed at a time: some 40 MB."""
_ODD, _FIRST_MIX, _SECOND_MIX = (
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
"""Of splitmix64 (Steele, Lea and Flood, 2014)."""


def overlap(train: WindowSet, validation: WindowSet) -> Overlap:
    """Count the validation windows that are train windows too.

    Parameters
    ----------
    train
        Any number of windows; they are read in blocks.
    validation
        Those that are looked for: 8 bytes each.

    Returns
    -------
    Overlap
        Of the validation windows with at least 5 items before the target.
    """
    hash_W = np.concatenate([np.empty(0, np.uint64), *_blocks(validation)])
    sought_U, count_U = np.unique(hash_W, return_counts=True)
    found_U = np.zeros(len(sought_U), dtype=bool)
    if len(sought_U):
        for hash_B in _blocks(train):
            place_B = np.searchsorted(sought_U, hash_B).clip(max=len(sought_U) - 1)
            found_U[place_B[sought_U[place_B] == hash_B]] = True
    return Overlap(shared=int(count_U[found_U].sum()), compared=len(hash_W))


def _blocks(windows: WindowSet) -> Iterator[NDArray[np.uint64]]:
    """Hash the windows that are long enough, block by block."""
    return (_hashes(windows, slice(start, start + _BLOCK)) for start in range(0, len(windows), _BLOCK))


def _hashes(windows: WindowSet, block: slice) -> NDArray[np.uint64]:
    lengths = windows.lengths[block].astype(np.int64)
    is_long = lengths >= _FEWEST_ITEMS
    end_B, length_B = windows.ends[block][is_long], lengths[is_long]
    hash_B = _mixed(length_B.astype(np.uint64))
    for back in range(HISTORY + 1):  # the target first, then the history from its last item
        code_B = windows.events[np.maximum(end_B - back, 0)].astype(np.uint64)
        hash_B = np.where(back <= length_B, _mixed(hash_B ^ _mixed(code_B)), hash_B)
    return hash_B


def _mixed(value_B: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed_B = value_B + _ODD
    mixed_B = (mixed_B ^ (mixed_B >> np.uint64(30))) * _FIRST_MIX
    mixed_B = (mixed_B ^ (mixed_B >> np.uint64(27))) * _SECOND_MIX
    return np.asarray(mixed_B ^ (mixed_B >> np.uint64(31)))
