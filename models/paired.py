"""Paired intervals: by how much two runs differ on the same windows, over users and over seeds.

Windows of a user are not independent, so the user is the unit. Seeds are crossed with users: a seed's luck is
the same for all its windows and a user's taste the same for all seeds. The mean therefore has two sources of
variance, users and seeds less what both count (two-way clustering; Cameron, Gelbach and Miller, 2011). Each is
multiplied by its own Student quantile before they are added: three seeds say little of the spread of seeds, and
pooled degrees of freedom would forget it whenever three happen to agree. With one seed the interval speaks of
these two trainings, not of their configurations.

Legend: S seeds, W windows, U users.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from models.errors import ModelError

_LEVEL = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """The first run less the second, mean over windows."""

    difference: float  # in the unit of the values
    low: float  # 95 % interval
    high: float
    n_windows: int
    n_users: int
    n_seeds: int


def hits(ranks: ArrayLike, cutoff: int) -> NDArray[np.float64]:
    """Turn ranks into hits, whose mean is the hit ratio.

    Parameters
    ----------
    ranks
        (S, W) or (W,) from 1, infinity for a miss.
    cutoff
        The k, at least 1.

    Returns
    -------
    numpy.ndarray
        1.0 where the target is among the first k, else 0.0.
    """
    return (np.asarray(ranks, dtype=np.float64) <= cutoff).astype(np.float64)


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    users: ArrayLike,
    method: Literal["normal", "bootstrap"] = "normal",
    seed: int = 0,
    n_resamples: int = 1_000,
) -> PairedDifference:
    """Compare two runs window by window.

    Parameters
    ----------
    first
        (S, W) values of one run, hits or losses, a row a seed; (W,) for one seed.
    second
        The same of the other, on the same windows, the same seed in the same row.
    users
        (W,) whose window it is, any labels.
    method
        ``normal``: Student's t. ``bootstrap``: percentiles of
        resampled users and, from two seeds on, seeds; wider than needed for few seeds (Owen, 2007), but
        without the assumption that the mean is normal.
    seed
        Of the bootstrap.
    n_resamples
        Of the bootstrap, at least 100.

    Returns
    -------
    PairedDifference
        First less second.

    Raises
    ------
    ModelError
        If shapes differ, a value is not finite, or there are fewer than two users.
    """
    difference_SW = _differences(first, second)
    sum_SU, size_U = _by_user(difference_SW, users)
    n_seeds, n_windows = difference_SW.shape
    mean = float(difference_SW.mean())
    if method == "bootstrap":
        low, high = _resampled(sum_SU, size_U, np.random.default_rng(seed), max(100, n_resamples))
    else:
        half = _half_width(sum_SU, size_U)
        low, high = mean - half, mean + half
    return PairedDifference(mean, low, high, n_windows, len(size_U), n_seeds)


def _differences(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    first_SW = np.atleast_2d(np.asarray(first, dtype=np.float64))
    second_SW = np.atleast_2d(np.asarray(second, dtype=np.float64))
    if first_SW.shape != second_SW.shape or first_SW.ndim != 2:
        message = f"Paired runs need the same windows and seeds: shapes are {first_SW.shape} and {second_SW.shape}."
        raise ModelError(message)
    difference_SW = first_SW - second_SW
    if not np.isfinite(difference_SW).all():
        message = "A value to be compared is not finite; compare hits rather than ranks, for a miss has no rank."
        raise ModelError(message)
    return difference_SW


def _by_user(difference_SW: NDArray[np.float64], users: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (S, U) sums over each user's windows, and how many windows each has."""
    user_W = np.unique(np.asarray(users).ravel(), return_inverse=True)[1]
    if len(user_W) != difference_SW.shape[1]:
        message = f"{difference_SW.shape[1]} windows are compared, but {len(user_W)} have a user."
        raise ModelError(message)
    size_U = np.bincount(user_W)
    if len(size_U) < 2:
        message = "A paired interval needs windows of at least two users."
        raise ModelError(message)
    return np.stack([np.bincount(user_W, row) for row in difference_SW]), size_U


def _half_width(sum_SU: NDArray[np.float64], size_U: NDArray[np.int64]) -> float:
    """Return half of the 95 % interval: each source of variance with its own quantile, added in squares."""
    n_seeds, n_users = sum_SU.shape
    n_windows = int(size_U.sum())
    rest_SU = sum_SU / n_windows - sum_SU.sum() / n_seeds / n_windows * (size_U / n_windows)
    of_users = float(np.square(rest_SU.mean(0)).sum()) * n_users / (n_users - 1)
    square = _quantile(n_users - 1) ** 2 * of_users
    if n_seeds > 1:
        seed_S1 = rest_SU.sum(1)[:, None]
        both_SU = rest_SU - rest_SU.mean(0) - seed_S1 * size_U / n_windows
        of_both = float(np.square(both_SU).sum()) / n_seeds / (n_seeds - 1) * n_users / (n_users - 1)
        of_seeds = float(np.square(seed_S1).sum()) / n_seeds / (n_seeds - 1)
        square += _quantile(n_seeds - 1) ** 2 * max(0.0, of_seeds - of_both)
    return math.sqrt(square)


def _quantile(freedom: int) -> float:
    return float(scipy.stats.t.ppf((1 + _LEVEL) / 2, freedom))


def _resampled(
    sum_SU: NDArray[np.float64], size_U: NDArray[np.int64], rng: np.random.Generator, n_resamples: int
) -> tuple[float, float]:
    n_seeds, n_users = sum_SU.shape
    means = np.empty(n_resamples)
    for turn in range(n_resamples):
        drawn_U = np.bincount(rng.integers(n_users, size=n_users), minlength=n_users)
        drawn_S = np.bincount(rng.integers(n_seeds, size=n_seeds), minlength=n_seeds)
        means[turn] = drawn_S @ sum_SU @ drawn_U / n_seeds / (size_U @ drawn_U)
    low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)
