"""The curves of a training that there are, each with its role, and what is measured of each.

Legend: N points.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from models.curve import Curve
from models.errors import ModelError
from models.sawtooth import Sawtooth, sawtooth

Role = Literal[
    "train_loss", "train_hr", "probe_loss", "probe_hr", "validation_loss", "validation_hr", "lr", "grad_norm"
]
Side = Literal["train", "probe", "validation"]
Metric = Literal["loss", "hr"]
_METRICS: tuple[Metric, ...] = ("loss", "hr")
Tilt = Literal["better", "worse", "none"]
"""What happens to a metric at the boundary between epochs: a lower loss and a higher hit ratio are better."""

_NEGLIGIBLE = 0.01
"""Share of a curve's range: a jump as small is nobody's picture, however sure."""
_PERIODIC = 0.05
_CLEARLY_PERIODIC = 0.01


@dataclass(frozen=True)
class CurveSet:
    """Curves by role, one a seed."""

    curves: Mapping[Role, tuple[Curve, ...]]
    non_finite: Mapping[Role, int] = field(default_factory=dict)  # values that were NaN or infinite
    validation_windows: int | None = None  # that a validation hit ratio is a mean over


@dataclass(frozen=True)
class Measured:
    """A set of curves with the sawtooth of each that has one to measure."""

    given: CurveSet
    sawtooth: Mapping[Role, Sawtooth]

    def tilt(self, side: Side) -> Tilt | None:
        """Say how a side jumps at the boundary; None if none of its curves can be measured.

        Where loss and hit ratio are both clear, the loss speaks: it is the less noisy of the two.
        """
        found = [self.tilt_of(side, metric) for metric in _METRICS]
        known = [tilt for tilt in found if tilt is not None]
        clear = [tilt for tilt in known if tilt != "none"]
        return clear[0] if clear else known[0] if known else None

    def part_of_train(self, side: Side) -> tuple[float, float] | None:
        """Compare a side's jump with train's: bounds of the quotient, 1 being as large and the same way.

        Returns
        -------
        tuple or None
            (low, high) by the interval of the side's jump, train's taken as it is; None if not both are known, or
            train does not jump.
        """
        for metric in _METRICS:
            train, other = self.sawtooth.get(role_of("train", metric)), self.sawtooth.get(role_of(side, metric))
            if train and other and direction_of(train) != "none" and other.low is not None and other.high is not None:
                low, high = sorted((other.low / train.excess, other.high / train.excess))
                return low, high
        return None

    def tilt_of(self, side: Side, metric: Metric) -> Tilt | None:
        """Say how one metric of a side jumps at the boundary; None if it cannot be measured."""
        role = role_of(side, metric)
        if role not in self.sawtooth:
            return None
        one = self.sawtooth[role]
        direction = direction_of(one)
        if direction == "none" or abs(one.excess) < _NEGLIGIBLE * float(np.ptp(self.given.curves[role][0].value_N)):
            return "none"
        return "better" if (direction == "down") == (metric == "loss") else "worse"


def role_of(side: Side, metric: Metric) -> Role:
    """Name the role of a side's metric.

    Parameters
    ----------
    side
        The estimator.
    metric
        Which.

    Returns
    -------
    str
        The role.
    """
    roles: dict[tuple[Side, Metric], Role] = {
        ("train", "loss"): "train_loss",
        ("train", "hr"): "train_hr",
        ("probe", "loss"): "probe_loss",
        ("probe", "hr"): "probe_hr",
        ("validation", "loss"): "validation_loss",
        ("validation", "hr"): "validation_hr",
    }
    return roles[side, metric]


def direction_of(one: Sawtooth) -> Literal["up", "down", "none"]:
    """Say whether a curve jumps, by two tests that must agree: the interval of its jumps and the F test of the period.

    Each is wrong once in twenty, and a verdict looks at many curves. Of few jumps, or of jumps that differ from
    epoch to epoch, the interval is many times their spread; where all of them go one way, a clear period is enough.

    Parameters
    ----------
    one
        A measured sawtooth.

    Returns
    -------
    str
        Up, down or none.
    """
    p_value = 1.0 if one.share_p_value is None else one.share_p_value
    if one.direction != "none":
        return one.direction if p_value < _PERIODIC else "none"
    if p_value >= _CLEARLY_PERIODIC or len(one.jumps) < 2:
        return "none"
    signs = {float(np.sign(jump.excess)) for jump in one.jumps}
    if signs == {1.0}:
        return "up"
    return "down" if signs == {-1.0} else "none"


def measure(given: CurveSet) -> Measured:
    """Measure each curve that has two evaluations an epoch and two epochs.

    Parameters
    ----------
    given
        The curves.

    Returns
    -------
    Measured
        Curves without a boundary to measure have no sawtooth in it.
    """
    found: dict[Role, Sawtooth] = {}
    for role, curves in given.curves.items():
        try:
            found[role] = sawtooth(curves)
        except ModelError:  # too few points an epoch is an answer here: nothing is known of this curve
            continue
    return Measured(given, found)
