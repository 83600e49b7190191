"""A curve as its statistics need it: epochs completed and values, in order, each point in its epoch.

Legend: N points.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import ModelError

_AT_THE_END = 1e-6
"""Epochs: a point this little past a whole epoch is still its last. Logs write 0.9999999 and 1.0000001 for 1."""
_MOST_EPOCHS = 10**9
"""Larger numbers are no epochs but damage."""
_LARGEST = 1e50
"""Of a value: its square's square can still be added up."""
_LONGEST_EPOCH = 20
"""Points an epoch beyond which neighbours are averaged: the statistics gain nothing from more, only wait."""


@dataclass(frozen=True)
class Curve:
    """Points in the order of training. An evaluation exactly at the end of an epoch is that epoch's last."""

    epoch_N: NDArray[np.float64]  # epochs completed, with the fraction of the current one
    value_N: NDArray[np.float64]  # finite, in the metric's unit

    @property
    def epoch_index(self) -> NDArray[np.int64]:
        """(N,) which epoch each point is of, counted from 0."""
        return np.maximum(np.ceil(self.epoch_N - _AT_THE_END).astype(np.int64) - 1, 0)

    @property
    def evaluations_per_epoch(self) -> int:
        """Points that a whole epoch has: the most common count over epochs, of equals the largest."""
        if len(self.epoch_N) == 0:
            return 0
        counts = np.unique(self.epoch_index, return_counts=True)[1]
        sizes, how_often = np.unique(counts, return_counts=True)
        return int(sizes[how_often == how_often.max()].max())


def curve(epochs: ArrayLike, values: ArrayLike) -> Curve:
    """Put points in order and leave out those without a finite value.

    Parameters
    ----------
    epochs
        (N,) epochs completed at each point, at least 0.
    values
        (N,) in any unit; NaN, infinity and what is beyond 1e50 count as missing.

    Returns
    -------
    Curve
        Sorted by epoch, at most 20 points an epoch: of more, neighbours are averaged.

    Raises
    ------
    ModelError
        If the two differ in length, or an epoch is negative, not finite or above 1,000,000,000.
    """
    epoch_N = np.asarray(epochs, dtype=np.float64).ravel()
    value_N = np.asarray(values, dtype=np.float64).ravel()
    if len(epoch_N) != len(value_N):
        message = f"A curve has {len(epoch_N)} epochs and {len(value_N)} values; each value needs its epoch."
        raise ModelError(message)
    if not ((epoch_N >= 0) & (epoch_N <= _MOST_EPOCHS)).all():
        message = f"A curve's epochs must be numbers from 0 to {_MOST_EPOCHS:,}: epochs completed at each evaluation."
        raise ModelError(message)
    order = np.argsort(epoch_N, kind="stable")
    kept = order[np.abs(value_N[order]) <= _LARGEST]
    return _averaged(Curve(epoch_N[kept], value_N[kept]))


def curves_of(pairs: Sequence[tuple[ArrayLike, ArrayLike]]) -> list[Curve]:
    """Make a curve of each pair, one a seed.

    Parameters
    ----------
    pairs
        (epochs, values) of each.

    Returns
    -------
    list of Curve
        In the same order.
    """
    return [curve(epochs, values) for epochs, values in pairs]


def _averaged(long: Curve) -> Curve:
    """Average neighbours within an epoch so that none has more than 20 points."""
    if long.evaluations_per_epoch <= _LONGEST_EPOCH:
        return long
    index_N = long.epoch_index
    cell_N = np.ceil((long.epoch_N - index_N) * _LONGEST_EPOCH - _AT_THE_END).clip(1, _LONGEST_EPOCH)
    group_N = index_N * (_LONGEST_EPOCH + 1) + cell_N.astype(np.int64)
    inverse_N = np.unique(group_N, return_inverse=True)[1]
    count = np.bincount(inverse_N)
    return Curve(np.bincount(inverse_N, long.epoch_N) / count, np.bincount(inverse_N, long.value_N) / count)
