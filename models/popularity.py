"""Recommends the most popular items to everyone.

Legend: W windows, V items.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Ties
from models.windows import UNKNOWN, WindowSet

TIE_SHARE: dict[Ties, float] = {"optimistic": 0.0, "expected": 0.5, "pessimistic": 1.0}
"""How many of the items of equal score stand before the target."""


@dataclass(frozen=True)
class Popularity:
    """Every window is recommended the most frequent training targets."""

    better_V: NDArray[np.int64]  # how many items are more frequent; the same for equally frequent ones
    equal_V: NDArray[np.int64]  # how many others are as frequent
    order_V: NDArray[np.int64]  # items (code - 1) from the most frequent, equals by code

    def ranks(self, windows: WindowSet, ties: Ties) -> NDArray[np.float64]:
        """Rank the target of each window.

        Parameters
        ----------
        windows
            A split.
        ties
            Where a target stands among items as frequent.

        Returns
        -------
        numpy.ndarray
            (W,) float64 ranks from 1; infinity for an unknown target.
        """
        target_W = windows.events[windows.ends].astype(np.int64)
        item_W = np.maximum(target_W - 1, 0)
        rank_W = 1 + self.better_V[item_W] + TIE_SHARE[ties] * self.equal_V[item_W]
        return np.where(target_W == UNKNOWN, np.inf, rank_W)

    def shown(self, windows: WindowSet, k: int) -> int:
        """Count the items that are in any window's top k.

        Parameters
        ----------
        windows
            A split.
        k
            Length of the lists.

        Returns
        -------
        int
            k, or V if that is less; 0 if there are no windows.
        """
        return min(k, len(self.order_V)) if len(windows) else 0


def popularity(train: WindowSet, n_items: int) -> Popularity:
    """Count the training targets.

    Parameters
    ----------
    train
        The training windows.
    n_items
        V.

    Returns
    -------
    Popularity
        The order of all items.
    """
    count_V = np.bincount(train.events[train.ends], minlength=n_items + 1)[1:]
    ascending_V = np.sort(count_V)
    not_above_V = np.searchsorted(ascending_V, count_V, side="right")
    below_V = np.searchsorted(ascending_V, count_V, side="left")
    order_V = np.argsort(-count_V, kind="stable")
    return Popularity(n_items - not_above_V, not_above_V - below_V - 1, order_V)
