"""What validation does between epochs, window by window: the same windows just before a boundary and just after it.

Legend: K evaluations, W windows, S seeds, B boundaries.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import NDArray

from models.curve_set import Measured, direction_of
from models.dips import Paired
from models.errors import ModelError
from models.paired import PairedDifference, hits, paired_difference
from models.run_record import RunRecord, Watched

Values = NDArray[np.float64]
_ONCE_IN_TWENTY, _UNLIKELY = 0.05, 0.01


def paired_dips(runs: Sequence[RunRecord], measured: Measured) -> Paired:
    """Measure both.

    Parameters
    ----------
    runs
        Of one training, one a seed.
    measured
        Their curves.

    Returns
    -------
    Paired
        As `validation_dip` and `validation_loss_dip` give them.
    """
    loss = measured.sawtooth.get("validation_loss")
    is_loss_jump = loss is not None and direction_of(loss) == "up"
    return Paired(validation_dip(runs), validation_loss_dip(runs), is_loss_jump)


def validation_dip(runs: Sequence[RunRecord]) -> PairedDifference | None:
    """Compare the hits at the first evaluation of each epoch with those at the last before it.

    Parameters
    ----------
    runs
        Of one training, one a seed.

    Returns
    -------
    PairedDifference or None
        Hit ratio at the first cutoff, mean over boundaries, clustered by user over seeds; None without windows
        watched over a boundary, or where the seeds watched other windows.
    """
    return _paired(runs, lambda run, watched: hits(watched.rank_KW, run.config.cutoffs[0]))


def validation_loss_dip(runs: Sequence[RunRecord]) -> PairedDifference | None:
    """Compare the losses at the first evaluation of each epoch with those at the last before it.

    Parameters
    ----------
    runs
        Of one training, one a seed.

    Returns
    -------
    PairedDifference or None
        Nats, above 0 for the worse, of the windows whose target is known; None as for the hit ratio, and where a loss
        is not finite.
    """
    return _paired(runs, lambda _run, watched: watched.loss_KW.astype(np.float64), is_known_only=True)


def moves_are_chance(runs: Sequence[RunRecord]) -> bool:
    """Say whether the hit ratio moves from each evaluation to the next, after the first epoch, as chance does.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    bool
        Whether no more moves than one in twenty explains have an interval, paired by window, that excludes 0; False
        where nothing was watched.
    """
    told = [is_clear for run in runs if run.watched is not None for is_clear in _clear_moves(run, run.watched)]
    return bool(told) and float(scipy.stats.binom.sf(sum(told) - 1, len(told), _ONCE_IN_TWENTY)) > _UNLIKELY


def _paired(
    runs: Sequence[RunRecord], values: Callable[[RunRecord, Watched], Values], *, is_known_only: bool = False
) -> PairedDifference | None:
    over = [(run, run.watched, _boundaries(run, run.watched)) for run in runs if run.watched is not None]
    told = [(run, watched, rows_2B) for run, watched, rows_2B in over if rows_2B.size]
    if not told or any(not np.array_equal(watched.user_W, told[0][1].user_W) for _, watched, _ in told):
        return None
    is_known_W = np.all([np.isfinite(watched.rank_KW).any(0) for _, watched, _ in told], axis=0)
    chosen_W = is_known_W if is_known_only else np.ones_like(is_known_W)
    sides = [values(run, watched)[:, chosen_W][rows_2B].mean(1) for run, watched, rows_2B in told]
    before_SW, after_SW = np.stack(sides, axis=1)
    try:
        return paired_difference(after_SW, before_SW, told[0][1].user_W[chosen_W])
    except ModelError:  # windows of one user alone have no interval, nor have losses that are not finite
        return None


def _boundaries(run: RunRecord, watched: Watched) -> NDArray[np.int64]:
    """Return (2, B) rows: of the last evaluations of epochs, and of the first ones after them."""
    row_of = {step: row for row, step in enumerate(watched.step_K.tolist())}
    moments = sorted({(point.step, point.epoch) for point in run.points if point.estimator == "validation"})
    known = [(row_of[step], int(np.ceil(epoch - 1e-6))) for step, epoch in moments if step in row_of]
    over = [(last, first) for (last, before), (first, after) in pairwise(known) if after > before]
    if len({epoch for _, epoch in known}) == len(known):  # one evaluation an epoch is no dip
        over = []
    return np.array(over, dtype=np.int64).reshape(-1, 2).T


def _clear_moves(run: RunRecord, watched: Watched) -> list[bool]:
    """Return of each move after the first epoch whether its interval excludes 0."""
    epoch_of = {point.step: point.epoch for point in run.points if point.estimator == "validation"}
    rows = [row for row, step in enumerate(watched.step_K.tolist()) if epoch_of.get(step, 0.0) > 1 - 1e-6]
    hit_KW = hits(watched.rank_KW, run.config.cutoffs[0])
    try:
        moves = [paired_difference(hit_KW[after], hit_KW[before], watched.user_W) for before, after in pairwise(rows)]
    except ModelError:  # windows of one user alone have no interval
        return []
    return [move.low > 0 or move.high < 0 for move in moves]
