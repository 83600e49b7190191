"""The passes of an evaluation over a block of scores while it is in the cache; nothing of the block is kept.

Compiled as those of `models.kernels`. Legend: B rows of a batch, C columns of a block, k best, N scores close to the
target's.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.kernels import Counts, Floats, compiled, compiled_without_nan, exp, inlined

_STRETCH = 64
"""Scores that are left together where none is among the best."""
_LOOKED_OVER = 256
"""Scores that are left together where none is close to the target's."""


@inlined
def _note_close(stretch: Any, low: Any, high: Any, n_close: Any, close_N: Any) -> Any:
    for j in range(stretch.shape[0]):
        if low <= stretch[j] <= high:
            if n_close < close_N.shape[0]:
                close_N[n_close] = stretch[j]
            n_close += np.int32(1)
    return n_close


@compiled
def survey(
    score_BC: Floats, first: int, column_B: NDArray[np.int64], score_B: Floats, largest_B: Floats, scaled_B: Floats,
    low_B: Floats, high_B: Floats, sum_B: NDArray[np.float64], above_B: Counts, n_close_B: Counts, close_BN: Floats,
) -> None:  # fmt: skip
    """Take a block into what is known of each row's scores.

    Parameters
    ----------
    score_BC, first
        The block and its first column.
    column_B, score_B
        The targets' columns; their scores, to be filled where the block has them.
    largest_B, scaled_B
        The largest score with this block; the one that sums are scaled by, set to it.
    low_B, high_B
        Between these is the target's score, and what is close to it.
    sum_B
        Of e to the power of what scores are above that one; to be added to.
    above_B
        How many scores are above ``high_B``; to be added to.
    n_close_B, close_BN
        How many are close, and the first N of these; to be added to.
    """
    for b in range(score_BC.shape[0]):
        row, largest, low, high = score_BC[b], largest_B[b], low_B[b], high_B[b]
        total, above = np.float32(0), np.int32(0)
        for start in range(0, row.shape[0], _LOOKED_OVER):
            stretch = row[start : start + _LOOKED_OVER]
            n_above, n_not_below = np.int32(0), np.int32(0)
            for j in range(stretch.shape[0]):
                total += exp(stretch[j] - largest)
                n_above += np.int32(stretch[j] > high)
                n_not_below += np.int32(stretch[j] >= low)
            if n_not_below > n_above:
                n_close_B[b] = _note_close(stretch, low, high, n_close_B[b], close_BN[b])
            above += n_above
        if first <= column_B[b] < first + row.shape[0]:
            score_B[b] = row[column_B[b] - first]
        sum_B[b] = sum_B[b] * exp(scaled_B[b] - largest) + total
        scaled_B[b] = largest
        above_B[b] += above


@inlined
def _keep_best_of_stretch(stretch: Any, first: Any, best_k: Any, column_k: Any) -> None:
    for j in range(stretch.shape[0]):
        place = best_k.shape[0]
        while place > 0 and stretch[j] > best_k[place - 1]:
            place -= 1
        for later in range(best_k.shape[0] - 1, place, -1):
            best_k[later], column_k[later] = best_k[later - 1], column_k[later - 1]
        if place < best_k.shape[0]:
            best_k[place], column_k[place] = stretch[j], first + j


@compiled_without_nan
def keep_best(score_BC: Floats, first: int, best_Bk: Floats, column_Bk: NDArray[np.int64]) -> None:
    """Take a block's scores into each row's best, which stay in order; of equal scores the earlier column comes first.

    Parameters
    ----------
    score_BC
        The block; a row with NaN may be given any list.
    first
        Its first column.
    best_Bk, column_Bk
        The best scores so far, the best first, and their columns.
    """
    for b in range(score_BC.shape[0] if best_Bk.shape[1] else 0):
        row, best, column = score_BC[b], best_Bk[b], column_Bk[b]
        for start in range(0, row.shape[0], _STRETCH):
            stretch = row[start : start + _STRETCH]
            largest = stretch[0]
            for j in range(stretch.shape[0]):
                largest = max(largest, stretch[j])
            if largest > best[-1]:
                _keep_best_of_stretch(stretch, first + start, best, column)
