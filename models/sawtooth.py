"""The sawtooth of a curve: by how much it jumps between epochs, beyond what it does within them.

At each boundary a line is fitted to the last half of the epoch before and to the first half of the epoch
after (two points at least). The excess is the height between the two lines in the middle of the gap: the step
over the boundary less the steps beside it. A curve without a jump has none, whatever its slope; what its
curvature would add is fitted within epochs as an exponential (`models.decay`), taken off, and the interval is
widened by as much as was taken off, for trends that are not exponential. With 2 evaluations an epoch and
fewer than 5 epochs there is nothing left to learn a curvature from: it stays in the excess.

The interval is Student's t. Few epochs mean few excesses, so a bootstrap of them would be far too narrow (of
2 values it has 3 means), and the t is exact for independent normal noise of the curve. Where neighbouring
boundaries share points (2 or 3 evaluations an epoch) their known correlation enters the standard error and
the degrees of freedom (Satterthwaite, 1946). Three or more seeds are the replications themselves: then the t
is taken over the seeds' means, which assumes nothing about epochs.

Legend: N points, J jumps, S seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from models.curve import Curve
from models.decay import decay
from models.epoch_share import period_fit
from models.errors import ModelError

_LEVEL = 0.95
_WIDEST_GAP = 2.5
"""Evaluations: over a wider hole at the boundary nothing is said of it."""
_FEW_SEEDS = 2
_ROUNDING = 1e-10
"""Of the largest value: the arithmetic is not better than this."""


@dataclass(frozen=True)
class Jump:
    """The excess at one boundary."""

    epoch: int  # completed when it happens, from 1
    seed: int  # which of the curves, from 0
    excess: float  # in the curve's unit, positive if the curve jumps up


@dataclass(frozen=True)
class Sawtooth:
    """The jumps of a curve, pooled over epochs and seeds."""

    excess: float  # mean, in the curve's unit; the sign says up or down
    low: float | None  # 95 % interval; None where one boundary alone leaves no spread to judge by
    high: float | None
    over: Literal["epochs", "seeds"]  # what the interval is taken over
    degrees_of_freedom: float
    jumps: tuple[Jump, ...]
    evaluations_per_epoch: int
    share_of_variance: float | None  # at the epoch's period, harmonics included, trend removed: 0 to 1
    share_p_value: float | None  # that it is noise

    @property
    def direction(self) -> Literal["up", "down", "none"]:
        """Whether the curve jumps at the boundary: the interval excludes 0."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "none"
        return "up" if self.low > 0 else "down"


def sawtooth(curves: Sequence[Curve]) -> Sawtooth:
    """Measure the sawtooth of one curve, or of the same curve over seeds.

    Parameters
    ----------
    curves
        One a seed.

    Returns
    -------
    Sawtooth
        The pooled excess with its interval.

    Raises
    ------
    ModelError
        If no curve has two evaluations on either side of a boundary between epochs.
    """
    measured = [boundaries for boundaries in (_boundaries(one) for one in curves) if len(boundaries.epochs)]
    if not measured:
        message = (
            "No sawtooth can be measured: no boundary between epochs has two evaluations on either side, close to "
            "it. At least two epochs with two evaluations each are needed."
        )
        raise ModelError(message)
    excess, half, freedom = _pooled(measured)
    fits = [fit for fit in (_share(each.curve) for each in measured) if fit]
    return Sawtooth(
        excess=excess,
        low=None if half is None else excess - half,
        high=None if half is None else excess + half,
        over="seeds" if len(measured) > _FEW_SEEDS else "epochs",
        degrees_of_freedom=freedom,
        jumps=tuple(
            Jump(int(epoch), seed, float(value))
            for seed, each in enumerate(measured)
            for epoch, value in zip(each.epochs, each.excess_J, strict=True)
        ),
        evaluations_per_epoch=measured[0].curve.evaluations_per_epoch,
        share_of_variance=float(np.mean([fit[0] for fit in fits])) if fits else None,
        share_p_value=min(1.0, len(fits) * min(fit[1] for fit in fits)) if fits else None,
    )


@dataclass(frozen=True)
class _Boundaries:
    """The jumps of one curve, each a linear contrast of its points."""

    curve: Curve
    epochs: tuple[int, ...]
    excess_J: NDArray[np.float64]  # curvature taken off
    curvature: float  # mean of what was taken off
    covariance_JJ: NDArray[np.float64]  # for noise of variance 1 in the points


def _boundaries(curve: Curve) -> _Boundaries:
    per_epoch, index_N = curve.evaluations_per_epoch, curve.epoch_index
    width = max(2, per_epoch // 2)
    epochs: list[int] = []
    present = np.unique(index_N)
    followed = present[1:][np.diff(present) == 1].tolist()
    contrasts = scipy.sparse.lil_array((len(followed), len(index_N)))
    for epoch in followed:
        left = np.flatnonzero(index_N == epoch - 1)[-width:]
        right = np.flatnonzero(index_N == epoch)[:width]
        if min(len(left), len(right)) < 2 or _gap(curve, left, right) > _WIDEST_GAP / per_epoch:
            continue
        middle = (curve.epoch_N[left[-1]] + curve.epoch_N[right[0]]) / 2
        contrasts[len(epochs), left] = -_at(middle, curve.epoch_N[left])
        contrasts[len(epochs), right] = _at(middle, curve.epoch_N[right])
        epochs.append(epoch)
    used = contrasts.tocsr()[: len(epochs)]
    curvature_J = used @ decay(curve)
    return _Boundaries(
        curve=curve,
        epochs=tuple(epochs),
        excess_J=used @ curve.value_N - curvature_J,
        curvature=float(curvature_J.mean()) if len(epochs) else 0.0,
        covariance_JJ=(used @ used.T).toarray(),
    )


def _gap(curve: Curve, left: NDArray[np.int64], right: NDArray[np.int64]) -> float:
    return float(curve.epoch_N[right[0]] - curve.epoch_N[left[-1]])


def _at(place: float, epoch_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights that give a least-squares line's height at a place."""
    away_N = epoch_N - epoch_N.mean()
    square = float(away_N @ away_N)
    weights = np.full(len(epoch_N), 1 / len(epoch_N))
    return weights + (place - epoch_N.mean()) * away_N / square if square > 0 else weights


def _pooled(measured: list[_Boundaries]) -> tuple[float, float | None, float]:
    """Return mean, half-width of the interval (None: unknown) and degrees of freedom."""
    mean_S = np.array([each.excess_J.mean() for each in measured])
    if len(measured) > _FEW_SEEDS:
        error, freedom = float(mean_S.std(ddof=1)) / math.sqrt(len(mean_S)), len(mean_S) - 1.0
    else:
        error, freedom = _error_over_epochs(measured)
    if freedom <= 0:
        return float(mean_S.mean()), None, 0.0
    bend = abs(float(np.mean([each.curvature for each in measured])))
    rounding = _ROUNDING * max(float(np.abs(each.curve.value_N).max()) for each in measured)
    half = float(scipy.stats.t.ppf((1 + _LEVEL) / 2, freedom)) * error + bend + rounding
    return float(mean_S.mean()), half, freedom


def _error_over_epochs(measured: list[_Boundaries]) -> tuple[float, float]:
    """Return the standard error from the spread over epochs within each seed, and its degrees of freedom."""
    squares, expected, variance, spread_square = 0.0, 0.0, 0.0, 0.0
    for each in measured:
        n_jumps = len(each.epochs)
        centred_JJ = np.eye(n_jumps) - 1 / n_jumps
        within_JJ = centred_JJ @ each.covariance_JJ @ centred_JJ
        squares += float(np.square(each.excess_J - each.excess_J.mean()).sum())
        expected += float(np.trace(within_JJ))
        spread_square += float(np.square(within_JJ).sum())
        variance += float(each.covariance_JJ.mean()) / len(measured) ** 2
    if expected <= 1e-12:
        return 0.0, 0.0
    return math.sqrt(squares * variance / expected), expected**2 / spread_square


def _share(curve: Curve) -> tuple[float, float] | None:
    per_epoch = curve.evaluations_per_epoch
    fit = period_fit(curve.epoch_N, curve.value_N - decay(curve), per_epoch) if per_epoch > 1 else None
    return (fit.share, fit.p_value) if fit else None
