"""What curves show beside their sawtooth: growth, spikes, divergence, noise.

Functions answer None where the curves do not tell.

Legend: E epochs.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy

from models.curve import Curve
from models.curve_set import CurveSet, Measured, Role

_THIRD = 3
_LEVEL = 0.05


@dataclass(frozen=True)
class Ratio:
    """A number and what it is compared with."""

    value: float
    base: float

    @property
    def times(self) -> float:
        """The quotient, infinite where the base is 0."""
        return self.value / self.base if self.base > 0 else math.inf


def first_curve(given: CurveSet, *roles: Role) -> Curve | None:
    """Return the first curve of the first role there is, with at least six points.

    Parameters
    ----------
    given
        The curves.
    roles
        In order of preference.

    Returns
    -------
    Curve or None
        Of the first seed.
    """
    for role in roles:
        for one in given.curves.get(role, ()):
            if len(one.value_N) >= 2 * _THIRD:
                return one
    return None


def growth(one: Curve) -> Ratio:
    """Compare the median of a curve's last third with that of its first.

    Parameters
    ----------
    one
        At least three points.

    Returns
    -------
    Ratio
        Last over first.
    """
    third = max(1, len(one.value_N) // _THIRD)
    return Ratio(float(np.median(one.value_N[-third:])), float(np.median(one.value_N[:third])))


def spike(one: Curve) -> Ratio:
    """Compare a curve's largest value with its median.

    Parameters
    ----------
    one
        At least one point.

    Returns
    -------
    Ratio
        Largest over median.
    """
    return Ratio(float(one.value_N.max()), float(np.median(one.value_N)))


def rise_from_best(one: Curve) -> Ratio | None:
    """Compare where a loss ends with its lowest epoch.

    Parameters
    ----------
    one
        A loss.

    Returns
    -------
    Ratio or None
        Mean of the last epoch over that of the lowest one; None if the lowest is the last.
    """
    index_N = np.unique(one.epoch_index, return_inverse=True)[1]
    mean_E = np.bincount(index_N, one.value_N) / np.bincount(index_N)
    lowest = int(mean_E.argmin())
    return Ratio(float(mean_E[-1]), float(mean_E[lowest])) if lowest < len(mean_E) - 1 else None


def jumps_grow(measured: Measured, role: Role) -> float | None:
    """Correlate the size of the jumps with the epoch.

    Parameters
    ----------
    measured
        The curves.
    role
        Of a curve with a sawtooth.

    Returns
    -------
    float or None
        Kendall's tau where it is not chance (p below 0.05), 0 where it is; None of fewer than five jumps.
    """
    jumps = measured.sawtooth[role].jumps
    if len(jumps) < 5:
        return None
    tau, p_value = scipy.stats.kendalltau([jump.epoch for jump in jumps], [abs(jump.excess) for jump in jumps])
    return float(tau) if p_value < _LEVEL else 0.0


def noise_of(one: Curve) -> float:
    """Estimate the standard deviation of a curve's points from third differences, blind to any smooth trend.

    Parameters
    ----------
    one
        At least four points.

    Returns
    -------
    float
        In the curve's unit; 0 of fewer points.
    """
    third = np.diff(one.value_N, 3)
    return float(np.median(np.abs(third)) / 0.6745 / math.sqrt(20)) if len(third) else 0.0
