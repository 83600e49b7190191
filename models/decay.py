"""The exponential part of a curve's trend, learnt within epochs only, so that no step between epochs enters it.

Legend: N points, E epochs, R rates.
"""

import numpy as np
from numpy.typing import NDArray

from models.curve import Curve

_RATES = np.geomspace(0.02, 12.0, 40)
"""Tried, per epoch, falling and rising: from nearly straight to gone within the first evaluations."""
_FINE, _REFINEMENTS = 17, 5
"""Rates between the best one's neighbours, and how often: to a 30,000th of the first spacing."""
_SPARE = 2
"""Degrees of freedom that must be left, or the term would describe noise."""


def decay(curve: Curve) -> NDArray[np.float64]:
    """Fit ``a_E + b t + c exp(-r t)`` by least squares and give its last term.

    Each epoch has its own level ``a_E``: whatever happens between epochs is not explained by the trend. The
    line is fitted beside it and not given back, so adding a line to the curve changes nothing.

    Parameters
    ----------
    curve
        Any.

    Returns
    -------
    numpy.ndarray
        (N,) the term at each point; zeros where the curve has too few points to tell it from noise.
    """
    index_N = np.unique(curve.epoch_index, return_inverse=True)[1]
    n_points = len(index_N)
    n_epochs = int(index_N.max(initial=-1)) + 1
    if n_points - n_epochs - 3 < _SPARE:
        return np.zeros(n_points)
    fit = _Within(curve.epoch_N, curve.value_N, index_N)
    rates = np.concatenate([-_RATES[::-1], _RATES])
    for _ in range(_REFINEMENTS):
        best = int(fit.left_over(rates).argmin())
        low, high = rates[max(0, best - 1)], rates[min(len(rates) - 1, best + 1)]
        rates = np.linspace(low, high, _FINE)
    rate = rates[[int(fit.left_over(rates).argmin())]]
    term_N1: NDArray[np.float64] = fit.shapes(rate) * fit.coefficients(rate)
    return term_N1[:, 0]


class _Within:
    """Least squares after each epoch's mean and the common line are taken off (Frisch and Waugh, 1933)."""

    def __init__(self, epoch_N: NDArray[np.float64], value_N: NDArray[np.float64], index_N: NDArray[np.int64]) -> None:
        self._epoch_N, self._index_N = epoch_N, index_N
        self._starts = np.flatnonzero(np.diff(index_N, prepend=-1))
        self._count_E1 = np.bincount(index_N)[:, None]
        self._line_N = self._centred(epoch_N[:, None])[:, 0]
        self._value_N = self._off_the_line(self._centred(value_N[:, None]))[:, 0]

    def shapes(self, rate_R: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N, R) exponentials, each at most 1."""
        start_R = np.where(rate_R > 0, self._epoch_N.min(), self._epoch_N.max())
        return np.asarray(np.exp(-rate_R * (self._epoch_N[:, None] - start_R)))

    def coefficients(self, rate_R: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (R,) how much of each exponential there is; 0 of one that is a line."""
        return self._solved(self._off_the_line(self._centred(self.shapes(rate_R))))

    def left_over(self, rate_R: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (R,) the sums of squares that each leaves."""
        shape_NR = self._off_the_line(self._centred(self.shapes(rate_R)))
        rest_NR = self._value_N[:, None] - shape_NR * self._solved(shape_NR)
        return np.asarray(np.square(rest_NR).sum(0))

    def _solved(self, shape_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        square_R = np.square(shape_NR).sum(0)
        return np.where(square_R > 1e-24, self._value_N @ shape_NR / np.maximum(square_R, 1e-24), 0.0)

    def _centred(self, values_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        mean_ER = np.add.reduceat(values_NR, self._starts, axis=0) / self._count_E1
        return np.asarray(values_NR - mean_ER[self._index_N])

    def _off_the_line(self, values_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        square = float(self._line_N @ self._line_N)
        return np.asarray(values_NR - np.outer(self._line_N, self._line_N @ values_NR / max(square, 1e-300)))
