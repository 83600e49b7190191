"""What a training leaves behind as data: one record a number, raw and complete, to be written as columns."""

from dataclasses import dataclass
from typing import Literal

from models.intervals import interval
from models.metrics import MetricSums

Estimator = Literal["train_running", "train_probe", "validation", "test"]
Group = Literal["embedding", "gru", "layer_norm", "output"]
Quantity = Literal["gradient", "weight"]


@dataclass(frozen=True)
class Moment:
    """A point of a training."""

    step: int  # updates made
    epoch: float  # epochs completed, with the fraction of the current one
    phase: int  # which evaluation of its epoch, from 1; 0 outside training


@dataclass(frozen=True)
class CurvePoint:
    """One metric by one estimator at one moment.

    ``train_running`` averages the windows visited since the last evaluation, each under the weights of its
    own step; the others have frozen weights. ``value`` is ``sum / count``; None where nothing was counted.
    """

    step: int
    epoch: float  # epochs completed
    phase: int
    estimator: Estimator
    metric: str
    value: float | None
    sum: float
    count: int
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True)
class StepRecord:
    """One step: the loss of its batch and its gradient before the update.

    The step that a training refused, for a loss or gradient that was not finite, is the last record.
    """

    step: int  # from 1
    epoch: float  # epochs completed after the step
    loss_nats: float  # mean over the batch
    count: int  # known targets in the batch
    lr: float
    grad_norm: float  # L2 over all parameters


@dataclass(frozen=True)
class NormRecord:
    """L2 norm of a group of parameters: the weights at an evaluation, or the mean over the steps since the last.

    The mean is taken for gradients, which are another each step.
    """

    step: int
    epoch: float
    phase: int
    group: Group
    quantity: Quantity
    value: float


def curve_points(sums: MetricSums, moment: Moment, estimator: Estimator) -> list[CurvePoint]:
    """Divide sums once and give each metric its 95 % interval.

    Parameters
    ----------
    sums
        What was accumulated.
    moment
        When.
    estimator
        How.

    Returns
    -------
    list of CurvePoint
        One a metric, in the order of ``sums.names``.
    """
    return [
        _point(moment, estimator, metric, total, count, interval(metric, total, total_sq, count))
        for metric, (total, total_sq, count) in sums.rows().items()
    ]


def share_point(moment: Moment, estimator: Estimator, metric: str, part: int, whole: int) -> CurvePoint:
    """Say a share that was counted in full, such as coverage; it has no interval.

    Parameters
    ----------
    moment
        When.
    estimator
        How.
    metric
        Its name.
    part
        How many.
    whole
        Of how many.

    Returns
    -------
    CurvePoint
        With ``sum`` the part and ``count`` the whole.
    """
    return _point(moment, estimator, metric, part, whole, None)


def _point(
    moment: Moment,
    estimator: Estimator,
    metric: str,
    total: float,
    count: int,
    bounds: tuple[float, float] | None,
) -> CurvePoint:
    low, high = bounds or (None, None)
    return CurvePoint(
        step=moment.step,
        epoch=moment.epoch,
        phase=moment.phase,
        estimator=estimator,
        metric=metric,
        value=total / count if count else None,
        sum=total,
        count=count,
        ci_low=low,
        ci_high=high,
    )
