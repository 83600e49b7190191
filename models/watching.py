"""The same validation windows at every evaluation, one by one: what paired differences are made of.

Legend: K evaluations, W windows watched, B batch.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.curves import MOST_WATCHED
from models.world import ALONE, World


@dataclass(frozen=True)
class WatchedScores:
    """Losses and ranks of the first W validation windows at K evaluations."""

    step_K: NDArray[np.int64]  # updates made
    loss_KW: NDArray[np.float32]  # nats; 0 where the target is unknown
    rank_KW: NDArray[np.float32]  # from 1; infinity for an unknown target


class Watch:
    """Takes note of the first windows of an evaluation as its batches pass.

    Parameters
    ----------
    n_windows
        Of the split that is evaluated; at most `MOST_WATCHED` are watched.
    world
        The processes that evaluate together, each its share of the split.
    """

    def __init__(self, n_windows: int, world: World = ALONE) -> None:
        self.n_watched = min(n_windows, MOST_WATCHED)
        self._world = world
        own = world.share(n_windows)
        self._own = slice(min(own.start, self.n_watched), min(own.stop, self.n_watched))
        self.steps: list[int] = []
        self.rows: list[NDArray[np.float32]] = []  # (2, W) each: losses, ranks
        self._batches: list[Tensor] = []
        self._n_seen = 0

    def note(self, loss_B: Tensor, rank_B: Tensor) -> None:
        """Take note of a batch, if any of it is watched.

        Parameters
        ----------
        loss_B
            (B,) nats.
        rank_B
            (B,) ranks.
        """
        if self._n_seen < self._own.stop - self._own.start:
            self._batches.append(torch.stack([loss_B.float(), rank_B.float()]))
            self._n_seen += len(loss_B)

    def close(self, step: int) -> None:
        """End an evaluation: its batches become a row.

        Parameters
        ----------
        step
            Updates made.
        """
        row_2W = torch.zeros(2, self.n_watched)
        if self._batches:
            row_2W[:, self._own] = torch.cat(self._batches, 1)[:, : self._own.stop - self._own.start].cpu()
        self.rows.append(self._world.sum_(row_2W).numpy())  # the others have zeros where this one has its windows
        self.steps.append(step)
        self.forget()

    def forget(self) -> None:
        """Drop what was noted since the last row, of an evaluation that came to nothing."""
        self._batches, self._n_seen = [], 0

    def scores(self) -> WatchedScores | None:
        """Read all rows.

        Returns
        -------
        WatchedScores or None
            None before the first evaluation.
        """
        if not self.rows:
            return None
        rows_K2W = np.stack(self.rows)
        return WatchedScores(np.array(self.steps, dtype=np.int64), rows_K2W[:, 0], rows_K2W[:, 1])
