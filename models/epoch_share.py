"""How much of a curve's variance repeats with the epoch, after its slow trend is taken off.

Legend: N points, K columns.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

_MOST_WAVES = 40
"""Slow waves that the trend may have; more would only cost time."""
_MOST_HARMONICS = 10
"""Of the epoch: nine tenths of a sawtooth's variance is in the first ten."""
_NOTHING_LEFT = 1e-10
"""Share of the variance below which what the trend leaves is rounding."""


@dataclass(frozen=True)
class PeriodFit:
    """What the epoch's harmonics explain of a curve without its trend."""

    share: float  # 0 to 1, 0 in expectation for noise (adjusted for the number of harmonics)
    p_value: float  # of the F test that they explain nothing but noise
    left_over: float  # mean square after trend and harmonics
    n_columns: int  # of trend and harmonics


def period_fit(
    epoch_N: NDArray[np.float64], value_N: NDArray[np.float64], per_epoch: int, n_waves: int | None = None
) -> PeriodFit | None:
    """Regress a curve on slow waves (longer than two epochs) and on the epoch's harmonics.

    Parameters
    ----------
    epoch_N
        (N,) epochs completed.
    value_N
        (N,) values, any unit.
    per_epoch
        Points an epoch, at least 2: the harmonics go up to half of it.
    n_waves
        Slow waves in the trend; None takes all that are longer than two epochs.

    Returns
    -------
    PeriodFit or None
        None if there are too few points to leave a degree of freedom.
    """
    trend_NK = _slow(epoch_N, n_waves)
    waves_NK = _harmonics(epoch_N, per_epoch)
    rest_trend, rank_trend = _rest(trend_NK, value_N)
    rest_both, rank_both = _rest(np.hstack([trend_NK, waves_NK]), value_N)
    n_free, n_repeating = len(value_N) - rank_both, rank_both - rank_trend
    if n_free < 1 or n_repeating < 1:
        return None
    if rest_trend <= _NOTHING_LEFT * float(np.square(value_N - value_N.mean()).sum()):
        return PeriodFit(0.0, 1.0, rest_trend / len(value_N), rank_both)
    spread_before, spread_after = rest_trend / (len(value_N) - rank_trend), rest_both / n_free
    share = min(1.0, max(0.0, 1 - spread_after / spread_before))
    ratio = (rest_trend - rest_both) / n_repeating / spread_after if spread_after > 0 else math.inf
    return PeriodFit(share, float(scipy.stats.f.sf(ratio, n_repeating, n_free)), rest_both / len(value_N), rank_both)


def _slow(epoch_N: NDArray[np.float64], n_waves: int | None) -> NDArray[np.float64]:
    """Return a line and cosines, unless said otherwise all whose period is longer than two epochs."""
    start, span = float(epoch_N.min(initial=np.inf)), float(np.ptp(epoch_N)) if len(epoch_N) else 0.0
    if span <= 0:
        return np.ones((len(epoch_N), 1))
    place_N = (epoch_N - start) / span
    if n_waves is None:
        n_waves = min(_MOST_WAVES, math.ceil(span) - 1)
    waves = [np.cos(np.pi * wave * place_N) for wave in range(1, n_waves + 1)]
    return np.stack([np.ones_like(place_N), place_N, *waves], axis=1)


def _harmonics(epoch_N: NDArray[np.float64], per_epoch: int) -> NDArray[np.float64]:
    angle_N = 2 * np.pi * epoch_N
    numbers = range(1, min(_MOST_HARMONICS, per_epoch // 2) + 1)
    return np.stack([wave(n * angle_N) for n in numbers for wave in (np.cos, np.sin)], axis=1)


def _rest(columns_NK: NDArray[np.float64], value_N: NDArray[np.float64]) -> tuple[float, int]:
    """Return the sum of squares that the columns leave, and how many of them are independent."""
    coefficients, _, rank, _ = np.linalg.lstsq(columns_NK, value_N, rcond=1e-9)
    rest_N = value_N - columns_NK @ coefficients
    return float(rest_N @ rest_N), int(rank)
