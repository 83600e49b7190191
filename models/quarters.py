"""What the windows visited between two evaluations are like: enough to see a shuffle that does not shuffle.

Legend: W windows, Q windows of a quarter (a phase) in the order visited, U codes (V + 1, unknown included).
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.curves import QuarterRecord
from models.windows import WindowSet


@dataclass(frozen=True)
class QuarterStatistics:
    """Describes visits; it looks at the data and the order alone, never at the model."""

    train: WindowSet
    log_share_U: NDArray[np.float64]  # of all training targets; -infinity for a code that is none

    def record(self, epoch: int, phase: int, visit_Q: NDArray[np.int64]) -> QuarterRecord:
        """Describe the visits of one phase.

        Parameters
        ----------
        epoch
            From 1.
        phase
            From 1.
        visit_Q
            (Q,) windows in the order visited, at least one.

        Returns
        -------
        QuarterRecord
            Hashes, places, times and labels.
        """
        position_Q = self.train.ends[visit_Q]
        label_Q = self.train.events[position_Q]
        count_U = np.bincount(label_Q, minlength=len(self.log_share_U))
        time_mean, time_sd = self._times(position_Q)
        return QuarterRecord(
            epoch=epoch,
            phase=phase,
            count=len(visit_Q),
            order_hash=_hash(visit_Q),
            set_hash=_hash(np.sort(visit_Q)),
            place_mean=float(visit_Q.mean()) / len(self.train),
            place_jump=float(np.abs(np.diff(visit_Q)).mean()) / len(self.train) if len(visit_Q) > 1 else None,
            time_mean=time_mean,
            time_sd=time_sd,
            log_popularity_mean=float(self.log_share_U[label_Q].mean()),
            labels=int(np.count_nonzero(count_U)),
            label_entropy_nats=_entropy(count_U),
        )

    def _times(self, position_Q: NDArray[np.int64]) -> tuple[float | None, float | None]:
        if self.train.times is None:
            return None, None
        time_Q = self.train.times[position_Q]
        # Float64 has 16 digits and microseconds since 1970 have them all: squares need an origin nearby.
        origin = int(time_Q[0])
        since_Q = (time_Q - origin).astype(np.float64)
        return origin + float(since_Q.mean()), float(since_Q.std())


def quarter_statistics(train: WindowSet, n_items: int) -> QuarterStatistics:
    """Count the training targets, to say how popular those of a phase are.

    Parameters
    ----------
    train
        The training windows, at least one.
    n_items
        V.

    Returns
    -------
    QuarterStatistics
        Ready to describe visits.
    """
    count_U = np.bincount(train.events[train.ends], minlength=n_items + 1)
    with np.errstate(divide="ignore"):
        return QuarterStatistics(train, np.log(count_U / len(train)))


def _hash(visit_Q: NDArray[np.int64]) -> str:
    return hashlib.blake2b(visit_Q.astype("<i8").tobytes(), digest_size=8).hexdigest()


def _entropy(count_U: NDArray[np.int64]) -> float:
    share = count_U[count_U > 0] / count_U.sum()
    return float(-(share * np.log(share)).sum())
