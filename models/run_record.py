"""A run as its statistics need it: what was asked and every record that the training left behind.

Legend: K evaluations, W validation windows watched.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.config import Training
from models.curves import CurvePoint, ForgettingRecord, NormRecord, QuarterRecord, StepRecord


@dataclass(frozen=True)
class Watched:
    """The same validation windows at every evaluation, for paired differences."""

    step_K: NDArray[np.int64]  # updates made
    loss_KW: NDArray[np.float32]  # nats; 0 where the target is unknown
    rank_KW: NDArray[np.float32]  # from 1; infinity for an unknown target
    user_W: NDArray[np.int64]  # whose window it is, any labels


@dataclass(frozen=True)
class Overlap:
    """Validation windows that are in train too, history and target alike."""

    shared: int
    compared: int  # validation windows long enough not to be alike by chance


@dataclass(frozen=True)
class RunRecord:
    """One run. Records may be empty where a run has none of them."""

    run_id: str
    config: Training
    status: str  # finished or diverged
    points: Sequence[CurvePoint]
    steps: Sequence[StepRecord]
    norms: Sequence[NormRecord]  # without ``step_gradient``, which ``steps`` has in sum
    forgetting: Sequence[ForgettingRecord]
    quarters: Sequence[QuarterRecord]
    watched: Watched | None
    overlap: Overlap | None
