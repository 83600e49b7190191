"""The curves of a run, and of the same run over seeds, as the statistics need them.

Legend: N points, S steps.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.curve import Curve, curve
from models.curve_set import CurveSet, Role
from models.curves import CurvePoint, Estimator, StepRecord
from models.run_record import RunRecord

_ESTIMATORS: dict[Estimator, tuple[Role, Role]] = {
    "train_running": ("train_loss", "train_hr"),
    "train_probe": ("probe_loss", "probe_hr"),
    "validation": ("validation_loss", "validation_hr"),
}


def curve_set(runs: Sequence[RunRecord]) -> CurveSet:
    """Put the curves of all seeds together.

    Parameters
    ----------
    runs
        Of one training, one a seed.

    Returns
    -------
    CurveSet
        Loss and hit ratio at the first cutoff of the three estimators; learning rate and gradient norm by phase.
    """
    found: dict[Role, list[Curve]] = {}
    for run in runs:
        for role, one in _curves(run).items():
            found.setdefault(role, []).append(one)
    broken = sum(_is_broken(step) for run in runs for step in run.steps)
    return CurveSet(
        curves={role: tuple(each for each in kept if len(each.value_N)) for role, kept in found.items()},
        non_finite={"train_loss": broken} if broken else {},
        validation_windows=_validation_windows(runs),
    )


def points_of(run: RunRecord, estimator: Estimator, metric: str) -> list[CurvePoint]:
    """Pick one curve's points.

    Parameters
    ----------
    run
        Any.
    estimator
        Which.
    metric
        Its name.

    Returns
    -------
    list of CurvePoint
        In order of steps.
    """
    chosen = [point for point in run.points if (point.estimator, point.metric) == (estimator, metric)]
    return sorted(chosen, key=lambda point: point.step)


def hit_ratio(run: RunRecord) -> str:
    """Name the hit ratio that selects: that at the first cutoff.

    Parameters
    ----------
    run
        Any.

    Returns
    -------
    str
        Such as ``hr@10``.
    """
    return f"hr@{run.config.cutoffs[0]}"


def curve_of(points: Sequence[CurvePoint]) -> Curve:
    """Make a curve of points.

    Parameters
    ----------
    points
        Of one estimator and metric.

    Returns
    -------
    Curve
        Without those that counted nothing.
    """
    return curve([point.epoch for point in points], [_value(point) for point in points])


def steps_since(run: RunRecord, points: Sequence[CurvePoint]) -> list[list[StepRecord]]:
    """Share the steps out over the evaluations that follow them.

    Parameters
    ----------
    run
        Whose steps.
    points
        Of one curve, in order.

    Returns
    -------
    list of list
        For each point the steps since the one before that have finite numbers.
    """
    steps = [step for step in run.steps if not _is_broken(step)]
    ends = np.searchsorted([step.step for step in steps], [point.step for point in points], side="right").tolist()
    return [steps[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=False)]


def _curves(run: RunRecord) -> dict[Role, Curve]:
    found: dict[Role, Curve] = {}
    for estimator, (loss, ratio) in _ESTIMATORS.items():
        found[loss] = curve_of(points_of(run, estimator, "loss"))
        found[ratio] = curve_of(points_of(run, estimator, hit_ratio(run)))
    points = points_of(run, "train_running", "loss")
    spans = steps_since(run, points)
    epochs = [point.epoch for point, span in zip(points, spans, strict=True) if span]
    found["lr"] = curve(epochs, [span[-1].lr for span in spans if span])
    found["grad_norm"] = curve(epochs, _norms(spans))
    return found


def _norms(spans: Sequence[Sequence[StepRecord]]) -> NDArray[np.float64]:
    return np.array([np.mean([step.grad_norm for step in span]) for span in spans if span])


def _value(point: CurvePoint) -> float:
    return math.nan if point.value is None else point.value


def _is_broken(step: StepRecord) -> bool:
    return not (math.isfinite(step.loss_nats) and math.isfinite(step.grad_norm))


def _validation_windows(runs: Sequence[RunRecord]) -> int | None:
    counts = [point.count for run in runs for point in points_of(run, "validation", hit_ratio(run))]
    return max(counts) if counts else None
