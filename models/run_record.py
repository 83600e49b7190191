"""A run as its statistics need it: what was asked and every record that the training left behind.

Legend: K evaluations, W validation windows watched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.config import Training
from models.curves import CurvePoint, ForgettingRecord, NormRecord, QuarterRecord, StepRecord

if TYPE_CHECKING:  # torch takes longer to import than all else that reads records
    from models.training import TrainedModel


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


def record_of(
    trained: "TrainedModel",
    config: Training,
    run_id: str = "",
    user_W: NDArray[np.int64] | None = None,
    overlap: Overlap | None = None,
) -> RunRecord:
    """Make the record of a training that is still in memory.

    Parameters
    ----------
    trained
        As `models.training.train` gives it.
    config
        What was asked of it.
    run_id
        A name, if it has one.
    user_W
        (W,) whose each validation window is, those that are watched first; None takes each for a user of its own.
    overlap
        Of its dataset, where counted.

    Returns
    -------
    RunRecord
        Its records, not copied.
    """
    return RunRecord(
        run_id=run_id,
        config=config,
        status=trained.status,
        points=trained.points,
        steps=trained.steps,
        norms=[record for record in trained.norms if record.quantity != "step_gradient"],
        forgetting=trained.forgetting,
        quarters=trained.quarters,
        watched=_watched(trained, user_W),
        overlap=overlap,
    )


def _watched(trained: "TrainedModel", user_W: NDArray[np.int64] | None) -> Watched | None:
    scores = trained.watched
    if scores is None:
        return None
    n_watched = scores.loss_KW.shape[1]
    users = np.arange(n_watched) if user_W is None else np.asarray(user_W)[:n_watched]
    return Watched(scores.step_K, scores.loss_KW, scores.rank_KW, users)
