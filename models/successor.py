"""Recommends the items that most often followed the last one.

Ranks come in closed form from counts of pairs; nothing as large as V x V or W x V is made.

Legend: W windows, V items, R (last item, next item) pairs seen in training, U rows asked for, k longest list.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Ties
from models.popularity import TIE_SHARE, Popularity, popularity
from models.windows import UNKNOWN, WindowSet


@dataclass(frozen=True)
class Successor:
    """Items by how often they followed the window's last item in training, then by popularity.

    Pairs are sorted by last item, then from the better successor to the worse: row l (code of the last item)
    is ``starts_V2[l] : starts_V2[l + 1]``.
    """

    popularity: Popularity
    starts_V2: NDArray[np.int64]  # V + 2
    item_R: NDArray[np.int64]  # next item (code - 1)
    better_R: NDArray[np.int64]  # pairs of the row that are better
    equal_R: NDArray[np.int64]  # other pairs of the row that are as good
    pair_keys_R: NDArray[np.int64]  # sorted keys of (last, item), to find a pair
    pair_index_R: NDArray[np.int64]  # where the pair of each such key is
    class_keys_R: NDArray[np.int64]  # sorted keys of (last, popularity class), to count in a row

    def ranks(self, windows: WindowSet, ties: Ties) -> NDArray[np.float64]:
        """Rank the target of each window.

        Parameters
        ----------
        windows
            A split.
        ties
            Where a target stands among items as good.

        Returns
        -------
        numpy.ndarray
            (W,) float64 ranks from 1; infinity for an unknown target.
        """
        target_W = windows.events[windows.ends].astype(np.int64)
        last_W = windows.events[windows.ends - 1].astype(np.int64)
        item_W = np.maximum(target_W - 1, 0)
        pair_W, is_seen_W = self._find(last_W, item_W)
        better_W, equal_W = self._unseen(last_W, item_W)
        if len(self.item_R):
            better_W = np.where(is_seen_W, self.better_R[pair_W], better_W)
            equal_W = np.where(is_seen_W, self.equal_R[pair_W], equal_W)
        rank_W = 1 + better_W + TIE_SHARE[ties] * equal_W
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
            Items, at most V.
        """
        last_U = np.unique(windows.events[windows.ends - 1]).astype(np.int64)
        is_shown_V = np.zeros(len(self.popularity.order_V), dtype=np.bool_)
        place_R = np.arange(len(self.item_R)) - np.repeat(self.starts_V2[:-1], np.diff(self.starts_V2))
        last_R = np.repeat(np.arange(len(self.starts_V2) - 1), np.diff(self.starts_V2))
        is_shown_V[self.item_R[(place_R < k) & np.isin(last_R, last_U)]] = True
        # Rows of fewer than k items are filled up with the most popular others, all among the first k.
        filler_k = self.popularity.order_V[:k]
        n_row_U = self.starts_V2[last_U + 1] - self.starts_V2[last_U]
        short_U = last_U[n_row_U < k]
        _, is_seen = self._find(np.repeat(short_U, len(filler_k)), np.tile(filler_k, len(short_U)))
        is_new_Uk = ~is_seen.reshape(len(short_U), len(filler_k))
        is_taken_Uk = is_new_Uk & (is_new_Uk.cumsum(axis=1) <= (k - n_row_U[n_row_U < k])[:, None])
        is_shown_V[filler_k[is_taken_Uk.any(axis=0)]] = True
        return int(is_shown_V.sum())

    def _find(
        self, last_W: NDArray[np.int64], item_W: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        key_W = last_W * len(self.popularity.order_V) + item_W
        if not len(self.pair_keys_R):
            return np.zeros_like(key_W), np.zeros(len(key_W), dtype=np.bool_)
        place_W = np.minimum(np.searchsorted(self.pair_keys_R, key_W), len(self.pair_keys_R) - 1)
        return self.pair_index_R[place_W], self.pair_keys_R[place_W] == key_W

    def _unseen(
        self, last_W: NDArray[np.int64], item_W: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the better and the equal for targets outside their row: the row is ahead of them all."""
        class_W = self.popularity.better_V[item_W]
        key_W = last_W * len(self.popularity.order_V) + class_W
        not_behind_W = np.searchsorted(self.class_keys_R, key_W, side="right")
        ahead_W = np.searchsorted(self.class_keys_R, key_W, side="left")
        n_more_popular_W = ahead_W - self.starts_V2[last_W]
        n_row_W = self.starts_V2[last_W + 1] - self.starts_V2[last_W]
        better_W = n_row_W + class_W - n_more_popular_W
        return better_W, self.popularity.equal_V[item_W] - (not_behind_W - ahead_W)


def successor(train: WindowSet, n_items: int) -> Successor:
    """Count which item follows which in the training windows.

    Parameters
    ----------
    train
        The training windows.
    n_items
        V.

    Returns
    -------
    Successor
        At most one row of 48 bytes a training window.
    """
    popular = popularity(train, n_items)
    last_W = train.events[train.ends - 1].astype(np.int64)
    item_W = train.events[train.ends].astype(np.int64) - 1
    is_known_W = (last_W != UNKNOWN) & (item_W >= 0)
    pair_R, count_R = np.unique(last_W[is_known_W] * n_items + item_W[is_known_W], return_counts=True)
    last_R, item_R = np.divmod(pair_R, n_items)
    class_R = popular.better_V[item_R]
    order_R = np.lexsort((item_R, class_R, -count_R, last_R))
    better_R, equal_R = _row_ranks(last_R[order_R], count_R[order_R], class_R[order_R])
    pair_index_R = np.empty_like(order_R)
    pair_index_R[order_R] = np.arange(len(order_R))
    return Successor(
        popularity=popular,
        starts_V2=np.searchsorted(last_R, np.arange(n_items + 2)),
        item_R=item_R[order_R],
        better_R=better_R,
        equal_R=equal_R,
        pair_keys_R=pair_R,
        pair_index_R=pair_index_R,
        class_keys_R=np.sort(last_R * n_items + class_R),
    )


def _row_ranks(
    last_R: NDArray[np.int64], count_R: NDArray[np.int64], class_R: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the better and the equal within its row for each pair, sorted by row and then best first."""
    n_pairs = len(last_R)
    is_new_row = np.ones(n_pairs, dtype=np.bool_)
    is_new_row[1:] = last_R[1:] != last_R[:-1]
    is_new_tie = is_new_row.copy()
    is_new_tie[1:] |= (count_R[1:] != count_R[:-1]) | (class_R[1:] != class_R[:-1])
    row_start_R = np.maximum.accumulate(np.where(is_new_row, np.arange(n_pairs), 0))
    tie_starts = np.flatnonzero(is_new_tie)
    tie_sizes = np.diff(np.append(tie_starts, n_pairs))
    better_R = np.repeat(tie_starts, tie_sizes) - row_start_R
    return better_R, np.repeat(tie_sizes, tie_sizes) - 1
