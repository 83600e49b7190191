"""What sums and counts say of the metrics themselves: two independent roads to the same number must meet.

Legend: N points.
"""

import math
from collections.abc import Sequence

import numpy as np

from models.curve import Curve, curve
from models.curve_facts import noise_of
from models.curves import CurvePoint, StepRecord
from models.errors import ModelError
from models.hypotheses import HYPOTHESES, Evidence
from models.run_curves import curve_of, points_of, steps_since
from models.run_record import RunRecord
from models.sawtooth import sawtooth

_ROUNDING = 1e-3
"""Relative: float32 sums, and batch means told in float32, agree better than this."""
_MATERIAL = 0.05
"""Share of the curve's jump, or else of its noise, from which on a disagreement is more than a blemish."""
_COUNTED_TWICE = 1.01


def evidence_of_sums(runs: Sequence[RunRecord]) -> list[Evidence]:
    """Check that every value is its sum over its count, and that the running loss is that of the steps since the last.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    list of Evidence
        Empty where there are no steps and no counts to check.
    """
    found = (rule(runs) for rule in (_quotients, _counts, _recount))
    return [piece for piece in found if piece is not None]


def _proof(statement: str) -> Evidence:
    return Evidence(statement, {name: 10 if name == "H4" else 0.1 for name in HYPOTHESES}, proves="H4")


def _quotients(runs: Sequence[RunRecord]) -> Evidence | None:
    """See whether values are what their sums and counts make."""
    points = [point for run in runs for point in run.points if point.value is not None and point.count]
    wrong = [point for point in points if not _is_near(_known(point), point.sum / point.count)]
    if not wrong:
        return None
    first = wrong[0]
    return _proof(
        f"{len(wrong)} of {len(points)} values are not their sum over their count, as {first.estimator} {first.metric} "
        f"at step {first.step}: {_known(first):.5g} against {first.sum / first.count:.5g}"
    )


def _counts(runs: Sequence[RunRecord]) -> Evidence | None:
    """See whether the running loss counts the windows since the last evaluation and no others."""
    pairs = [
        (point.count, sum(step.count for step in span), point)
        for run in runs
        for point, span in _spans(run)
        if span and point.count
    ]
    wrong = [(told, made, point) for told, made, point in pairs if max(told, made) > _COUNTED_TWICE * min(told, made)]
    if not wrong:
        return None
    told, made, point = wrong[-1]
    return _proof(
        f"the running loss counts other windows than were visited since the last evaluation, {len(wrong)} times in "
        f"{len(pairs)}: {told:,} against {made:,} at step {point.step}; its accumulators are not set to 0"
    )


def _recount(runs: Sequence[RunRecord]) -> Evidence | None:
    """Make the running loss again from the steps' own losses, weighted by their windows."""
    shown, again = _both_roads(runs)
    if len(shown.value_N) < 2:
        return None
    apart_N = np.abs(shown.value_N - again.value_N)
    away = math.sqrt(float(np.square(apart_N).mean()))
    if (apart_N <= _ROUNDING * np.abs(again.value_N)).all():
        statement = f"the running loss is the mean of its steps' losses at all {len(apart_N)} evaluations"
        return Evidence(statement, {"H4": 0.1})
    scale = max(_jump(shown), _jump(again), noise_of(again))
    numbers = f"apart by {away:.3g} nats, beside jumps of {_jump(shown):.3g} as shown and {_jump(again):.3g} recounted"
    if away < _MATERIAL * scale:
        return Evidence(f"the running loss nearly is the mean of its steps' losses: {numbers}", {"H4": 0.5})
    return _proof(f"the running loss is not the mean of its steps' losses: {numbers}")


def _both_roads(runs: Sequence[RunRecord]) -> tuple[Curve, Curve]:
    """Return the running loss as shown and as recounted, at the same moments, of the first seed that has both."""
    for run in runs:
        pairs = [(point, span) for point, span in _spans(run) if span and point.value is not None]
        if len(pairs) > 1:
            counted = [
                sum(step.loss_nats * step.count for step in span) / max(1, sum(step.count for step in span))
                for _, span in pairs
            ]
            return curve_of([point for point, _ in pairs]), curve([point.epoch for point, _ in pairs], counted)
    return curve([], []), curve([], [])


def _spans(run: RunRecord) -> list[tuple[CurvePoint, list[StepRecord]]]:
    points = points_of(run, "train_running", "loss")
    return list(zip(points, steps_since(run, points), strict=True))


def _jump(one: Curve) -> float:
    try:
        return abs(sawtooth([one]).excess)
    except ModelError:  # no boundary to measure: then there is no jump to compare with
        return 0.0


def _known(point: CurvePoint) -> float:
    return math.nan if point.value is None else point.value


def _is_near(first: float, second: float) -> bool:
    return math.isclose(first, second, rel_tol=_ROUNDING, abs_tol=1e-9)
