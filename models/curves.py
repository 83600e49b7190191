"""What a training leaves behind as data: one record a number, raw and complete, to be written as columns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from models.intervals import interval

if TYPE_CHECKING:  # torch takes longer to import than all else that reads records
    from models.metrics import MetricSums

Estimator = Literal["train_running", "train_probe", "validation", "test"]
Group = Literal["embedding", "gru", "layer_norm", "output"]
Quantity = Literal[
    "gradient",
    "clipped_share",
    "step_gradient",
    "weight",
    "update",
    "update_to_weight",
    "first_moment",
    "root_second_moment",
    "effective_step",
]

MOST_WATCHED = 10_000
"""Windows: the validation split of the small size, and the first of the large one's, for 80 KB an evaluation."""


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
    """One quantity of a group of parameters; norms are L2, of gradients before they are clipped.

    At each evaluation, over the steps since the last: ``gradient``, the mean norm, and ``clipped_share``, how many
    steps clipped the group. At each step: ``step_gradient``. At the last step of each phase and regularly
    between: the norms of ``weight`` after the step, of ``update`` (what the step added), their quotient
    ``update_to_weight``, of ``first_moment`` (m, or the momentum) and of ``root_second_moment`` (sqrt(v), without
    bias correction), where the optimizer has them; and ``effective_step``, the mean of lr / (sqrt(v) + eps), with bias
    correction, over the numbers that ever had a gradient.
    """

    step: int
    epoch: float
    phase: int  # that the step lies in, from 1
    group: Group
    quantity: Quantity
    value: float


@dataclass(frozen=True)
class ForgettingRecord:
    """Sums over the visits of one phase to windows of one age, under the weights of each visit's own step.

    The age is the epochs since the window's last visit, counted in steps. First visits have none.
    """

    epoch: int  # from 1
    phase: int  # from 1
    age_low_epochs: float | None  # at least this; None for first visits
    age_high_epochs: float | None  # below this, infinite for the oldest; None for first visits
    loss_sum: float  # nats
    loss_sum_sq: float
    loss_count: int  # visits with a known target
    hits: int  # visits with the target within the first cutoff
    count: int  # all visits


@dataclass(frozen=True)
class QuarterRecord:
    """What the windows visited in one phase are like, whatever the model.

    A place is a window's index in the source's order, as a share of all windows.
    """

    epoch: int  # from 1
    phase: int  # from 1
    count: int  # visits
    order_hash: str  # of the visits in their order: equal ones are a repeated permutation
    set_hash: str  # of the visits whatever their order
    place_mean: float  # 1/2 where well shuffled
    place_jump: float | None  # mean distance of one visit from the next: 1/3 where well shuffled; None for one visit
    time_mean: float | None  # of the targets, in microseconds since 1970 UTC or places in the log; None without times
    time_sd: float | None  # in the same unit
    log_popularity_mean: float  # of the targets: natural logarithm of their share in all training targets
    labels: int  # distinct targets
    label_entropy_nats: float


def curve_points(sums: "MetricSums", moment: Moment, estimator: Estimator) -> list[CurvePoint]:
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
