"""The epoch's period, where nobody said it: how many evaluations an epoch has.

From an epoch column by counting. Else from the curve alone: every period from 2 evaluations to a third of the
curve is tried, each as slow trend plus its harmonics, and the one with the best Bayesian information criterion
is kept, so that 8 is not found where 4 explains as much. It counts only if its F test holds after Bonferroni's
correction for all that were tried, for the curve and for its steps alike: a random walk passes the first test
too often, white noise the second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.curve import Curve
from models.decay import decay
from models.epoch_share import PeriodFit, period_fit
from models.errors import ModelError

_LEVEL = 0.01
_LONGEST = 64
"""Evaluations an epoch that are looked for at most."""
_FEWEST_EPOCHS = 3
_TREND_WAVES = 2
_SAME = 1e-6
_NEARLY = 6.0
"""Difference of two criteria up to which the evidence is not strong (Kass and Raftery, 1995)."""


@dataclass(frozen=True)
class Period:
    """How many evaluations an epoch has, and how that is known."""

    evaluations_per_epoch: int | None  # None: no period found
    known_from: Literal["epochs", "curve", "nothing"]
    p_value: float | None  # after Bonferroni; None where it was counted
    sentence: str


def period_of_epochs(epochs: ArrayLike) -> Period:
    """Count evaluations an epoch in an epoch column.

    Parameters
    ----------
    epochs
        (N,) epochs completed, or whole numbers repeated for each evaluation of an epoch.

    Returns
    -------
    Period
        ``known_from`` is ``nothing`` if the column is empty.
    """
    epoch_N = np.asarray(epochs, dtype=np.float64).ravel()
    epoch_N = epoch_N[np.isfinite(epoch_N)]
    if len(epoch_N) == 0:
        return Period(None, "nothing", None, "no epochs are given")
    if (np.abs(epoch_N - np.round(epoch_N)) < _SAME).all():
        counts = np.unique(np.round(epoch_N), return_counts=True)[1]
        per_epoch = int(np.median(counts) + 0.5)
    else:
        per_epoch = Curve(epoch_N, epoch_N).evaluations_per_epoch
    return Period(per_epoch, "epochs", None, f"{per_epoch} evaluations an epoch, counted in the epoch column")


def period_of_curves(curves: Sequence[tuple[ArrayLike, ArrayLike]]) -> Period:
    """Find the period of curves by (steps, values); the clearest of them decides for all.

    Parameters
    ----------
    curves
        Steps (or any even count) and values of each, at the same spacing.

    Returns
    -------
    Period
        ``evaluations_per_epoch`` None, and a sentence that says why, if no period stands out.

    Raises
    ------
    ModelError
        If a curve's steps and values differ in length.
    """
    series = [_on_grid(steps, values) for steps, values in curves]
    tried = [(len(place_N), _candidates(place_N, value_N)) for place_N, value_N in series]
    n_tried = sum(len(candidates) for _, candidates in tried)
    if n_tried == 0:
        return Period(None, "nothing", None, "no period found: too few evaluations to hold three epochs")
    best = [_best(n_points, candidates) for n_points, candidates in tried if candidates]
    per_epoch, p_value = min(best, key=lambda found: found[1])
    p_value = min(1.0, p_value * n_tried)
    if p_value >= _LEVEL:
        sentence = f"no period found: the best, {per_epoch} evaluations, may be chance (p {p_value:.2g})"
        return Period(None, "nothing", p_value, sentence)
    return Period(per_epoch, "curve", p_value, f"a period of {per_epoch} evaluations stands out (p {p_value:.1g})")


def spacing_of(step_N: NDArray[np.float64]) -> float:
    """Say how many steps lie between two evaluations.

    Parameters
    ----------
    step_N
        (N,) sorted.

    Returns
    -------
    float
        The median of those that are not 0; 1 where there are none.
    """
    between = np.diff(step_N)
    return float(np.median(between[between > 0])) if (between > 0).any() else 1.0


def evaluation_numbers(step_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count evaluations, the missing ones too, from the first step on.

    Each gap is rounded by itself: 157 steps an epoch in quarters of 39 and 40 would drift from any even grid.

    Parameters
    ----------
    step_N
        (N,) sorted.

    Returns
    -------
    numpy.ndarray
        (N,) whole numbers; 0 before training, 1 after the first stretch.
    """
    if len(step_N) == 0:
        return np.empty(0)
    spacing = spacing_of(step_N)
    gaps = np.maximum(np.round(np.diff(step_N) / spacing), np.diff(step_N) > 0)
    return np.asarray(np.round(step_N[0] / spacing) + np.concatenate([[0.0], np.cumsum(gaps)]))


def _on_grid(steps: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return places on an even grid, so that a missing point shifts nothing, and the finite values."""
    step_N = np.asarray(steps, dtype=np.float64).ravel()
    value_N = np.asarray(values, dtype=np.float64).ravel()
    if len(step_N) != len(value_N):
        message = f"A curve has {len(step_N)} steps and {len(value_N)} values; each value needs its step."
        raise ModelError(message)
    order = np.argsort(step_N, kind="stable")
    order = order[np.isfinite(value_N[order]) & np.isfinite(step_N[order])]
    step_N, value_N = step_N[order], value_N[order]
    return evaluation_numbers(step_N).astype(np.int64), value_N


def _candidates(place_N: NDArray[np.int64], value_N: NDArray[np.float64]) -> dict[int, tuple[PeriodFit, float]]:
    """Return for each period its fit, and the larger p value of the curve's and of its steps'.

    All share one trend, an exponential and two slow waves: a trend that followed the period would be free to
    describe a longer period's sawtooth where a shorter one is tried.
    """
    found: dict[int, tuple[PeriodFit, float]] = {}
    if len(place_N) == 0:
        return found
    n_places = int(place_N[-1] - place_N[0]) + 1
    follows = np.diff(place_N) == 1
    whole = Curve((place_N - place_N[0]) / n_places, value_N)  # all in one epoch
    rest_N = value_N - decay(whole)
    for per_epoch in range(2, min(_LONGEST, n_places // _FEWEST_EPOCHS) + 1):
        level = period_fit(place_N / per_epoch, rest_N, per_epoch, _TREND_WAVES)
        steps = period_fit(place_N[1:][follows] / per_epoch, np.diff(rest_N)[follows], per_epoch, _TREND_WAVES)
        if level and steps:
            found[per_epoch] = (level, max(level.p_value, steps.p_value))
    return found


def _best(n_points: int, candidates: dict[int, tuple[PeriodFit, float]]) -> tuple[int, float]:
    """Return the period of the best criterion, or the shortest that divides it and is nearly as good."""

    def criterion(per_epoch: int) -> float:
        fit = candidates[per_epoch][0]
        spread = fit.left_over * n_points / max(1, n_points - fit.n_columns)
        return n_points * math.log(max(spread, 1e-300)) + fit.n_columns * math.log(n_points)

    best = min(candidates, key=criterion)
    near = (short for short in candidates if best % short == 0 and criterion(short) <= criterion(best) + _NEARLY)
    chosen = min(near)
    return chosen, candidates[chosen][1]
