"""What the watched windows say of the validation curves: each value must be the mean over them.

Where all of the split is watched, every evaluation is there twice, as a sum and window by window. A curve whose points
are means over other windows, such as a part of the split that changes from one evaluation to the next, says
more of the windows than of the weights.

Legend: K evaluations, W windows.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.curves import MOST_WATCHED, CurvePoint
from models.hypotheses import HYPOTHESES, Evidence
from models.paired import hits
from models.run_curves import hit_ratio, points_of
from models.run_record import RunRecord, Watched

_ROUNDING = 1e-3
"""Relative: float32 losses agree better than this with their sum."""


@dataclass(frozen=True)
class _Pair:
    """A point of a validation curve and what the windows make of it."""

    point: CurvePoint
    value: float
    count: int
    is_whole: bool  # all of the split is watched, as far as is known


def evidence_of_watched(runs: Sequence[RunRecord]) -> list[Evidence]:
    """Make the validation curves again from the watched windows.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    list of Evidence
        Empty where no evaluation was watched, or where more is evaluated than watched.
    """
    pairs = [pair for run in runs if run.watched is not None for pair in _pairs(run, run.watched)]
    counted = [pair for pair in pairs if pair.is_whole or pair.point.count == pair.count]
    if not counted:
        return []
    other = [pair for pair in counted if pair.point.count != pair.count]
    if other:
        one = other[0]
        return [
            _proof(
                f"{len(other)} of {len(counted)} validation values are means over other windows than the split's, as "
                f"{one.point.metric} at step {one.point.step}: {one.point.count:,} against {one.count:,}"
            )
        ]
    apart = [pair for pair in counted if not _is_near(pair)]
    if apart:
        one = apart[0]
        return [
            _proof(
                f"{len(apart)} of {len(counted)} validation values are not the mean of their windows, as "
                f"{one.point.metric} at step {one.point.step}: {one.point.value:.5g} against {one.value:.5g}"
            )
        ]
    statement = f"validation is the mean over the same windows at all {len(counted)} values of its curves"
    return [Evidence(statement, {"H4": 0.7})]


def _pairs(run: RunRecord, watched: Watched) -> Iterator[_Pair]:
    row_of = {step: row for row, step in enumerate(watched.step_K.tolist())}
    is_whole = watched.rank_KW.shape[1] < MOST_WATCHED
    for metric in ("loss", hit_ratio(run)):
        for point in points_of(run, "validation", metric):
            if point.step in row_of and point.value is not None:
                value, count = _made(watched, row_of[point.step], metric, run.config.cutoffs[0])
                yield _Pair(point, value, count, is_whole)


def _made(watched: Watched, row: int, metric: str, cutoff: int) -> tuple[float, int]:
    """Return mean and count: of a loss over the windows whose target is known, of a hit ratio over all."""
    rank_W = watched.rank_KW[row]
    if metric != "loss":
        return float(hits(rank_W, cutoff).mean()), len(rank_W)
    known_W = watched.loss_KW[row][np.isfinite(rank_W)].astype(np.float64)
    return (float(known_W.mean()) if len(known_W) else math.nan), len(known_W)


def _is_near(pair: _Pair) -> bool:
    value = math.nan if pair.point.value is None else pair.point.value
    return math.isclose(value, pair.value, rel_tol=_ROUNDING, abs_tol=1e-9)


def _proof(statement: str) -> Evidence:
    return Evidence(statement, {name: 10 if name == "H4" else 0.1 for name in HYPOTHESES}, proves="H4")
