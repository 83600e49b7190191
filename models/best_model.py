"""The best evaluation of a run, and by how much the best of one arm beats the best of another.

Legend: W windows, S seeds.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.curves import CurvePoint
from models.errors import ModelError
from models.paired import hits, paired_difference
from models.run_curves import hit_ratio, points_of
from models.run_record import RunRecord
from models.study import Estimate


def best_point(points: Sequence[CurvePoint]) -> CurvePoint | None:
    """Pick the best evaluation.

    Parameters
    ----------
    points
        Of a hit ratio.

    Returns
    -------
    CurvePoint or None
        Of equals the earliest.
    """
    known = [point for point in points if point.value is not None]
    return max(known, key=lambda point: (value_of(point), -point.step), default=None)


def at_epoch_ends(points: Sequence[CurvePoint]) -> list[CurvePoint]:
    """Keep the last evaluation of each whole epoch.

    Parameters
    ----------
    points
        Of one curve.

    Returns
    -------
    list of CurvePoint
        In the same order.
    """
    return [point for point in points if abs(point.epoch - round(point.epoch)) < 1e-6]


def value_of(point: CurvePoint) -> float:
    """Return a point's value.

    Parameters
    ----------
    point
        Any.

    Returns
    -------
    float
        NaN where nothing was counted.
    """
    return float("nan") if point.value is None else point.value


def best_difference(runs: Sequence[RunRecord], base: Sequence[RunRecord]) -> Estimate | None:
    """Compare the best validation hit ratios of an arm with the base's, each run at its own best evaluation.

    Parameters
    ----------
    runs
        Of the arm.
    base
        Of the base; seeds that both have are compared.

    Returns
    -------
    Estimate or None
        Paired by window and clustered by user where the same windows were watched; else of the curves, without an
        interval.
    """
    of_seed = {run.config.seed: run for run in base}
    pairs = [(run, of_seed[run.config.seed]) for run in runs if run.config.seed in of_seed]
    watched = [(_best_hits(run), _best_hits(other)) for run, other in pairs]
    known = [(mine, theirs) for mine, theirs in watched if mine is not None and theirs is not None]
    users = {run.watched.user_W.tobytes() for pair in pairs for run in pair if run.watched is not None}
    if known and len(known) == len(pairs) and len(users) == 1 and pairs[0][0].watched is not None:
        mine_SW, theirs_SW = (np.stack([pair[side] for pair in known]) for side in (0, 1))
        try:
            told = paired_difference(mine_SW, theirs_SW, pairs[0][0].watched.user_W)
        except ModelError:  # windows of one user alone have no interval
            return Estimate(value=float((mine_SW - theirs_SW).mean()), low=None, high=None)
        return Estimate(value=told.difference, low=told.low, high=told.high)
    both = [[best_point(points_of(run, "validation", hit_ratio(run))) for run in pair] for pair in pairs]
    apart = [value_of(mine) - value_of(theirs) for mine, theirs in both if mine is not None and theirs is not None]
    return Estimate(value=float(np.mean(apart)), low=None, high=None) if apart else None


def _best_hits(run: RunRecord) -> NDArray[np.float64] | None:
    """Return each watched window's hit at the run's best evaluation."""
    best = best_point(points_of(run, "validation", hit_ratio(run)))
    if run.watched is None or best is None or best.step not in run.watched.step_K:
        return None
    row = int(np.flatnonzero(run.watched.step_K == best.step)[0])
    return hits(run.watched.rank_KW[row], run.config.cutoffs[0])
