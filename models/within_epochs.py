"""What a curve does within its epochs: slopes, and what is left when a mean since the epoch's start is undone.

Functions answer None where the curves do not tell.

Legend: N points, P points of an epoch, E epochs.
"""

import numpy as np
import scipy
from numpy.typing import NDArray

from models.curve import Curve, curve
from models.curve_facts import Ratio
from models.errors import ModelError
from models.sawtooth import sawtooth

_FEWEST = 3
_SAME_TIME = 1e-4
_ONE_WAY = 0.9
"""Share of the jumps, by their squares, that must go one way."""
_LEVEL = 0.05


def mean_undone(one: Curve) -> Curve | None:
    """Undo a mean that is taken since the start of each epoch: the value of each interval alone.

    Parameters
    ----------
    one
        A curve; epochs that miss a point are left out.

    Returns
    -------
    Curve or None
        None if fewer than two epochs are complete.
    """
    per_epoch, index_N = one.evaluations_per_epoch, one.epoch_index
    epochs, values = [], []
    for epoch in np.unique(index_N):
        value_P = one.value_N[index_N == epoch]
        if len(value_P) == per_epoch:
            epochs.append(one.epoch_N[index_N == epoch])
            values.append(np.diff(value_P * np.arange(1, per_epoch + 1), prepend=0.0))
    return curve(np.concatenate(epochs), np.concatenate(values)) if len(epochs) > 1 and per_epoch > 1 else None


def left_when_undone(one: Curve) -> Ratio | None:
    """Compare the jumps left when a mean over the epoch is undone with the jumps there were.

    Of a curve that is no such mean, undoing makes every jump and all noise larger.

    Parameters
    ----------
    one
        A curve.

    Returns
    -------
    Ratio or None
        Root mean squares of the jumps; None where there are none to compare, or they do not go one way.
    """
    undone = mean_undone(one)
    if undone is None:
        return None
    try:
        after = np.array([jump.excess for jump in sawtooth([undone]).jumps])
        before = np.array([jump.excess for jump in sawtooth([one]).jumps])
    except ModelError:
        return None
    square = float(np.square(before).sum())
    if square == 0 or abs(float((before * np.abs(before)).sum())) < _ONE_WAY * square:
        return None
    return Ratio(float(np.sqrt(np.square(after).mean())), float(np.sqrt(np.square(before).mean())))


def slopes_within(one: Curve, *, first_phase: int = 1) -> NDArray[np.float64]:
    """Fit a line to each complete epoch.

    Parameters
    ----------
    one
        A curve.
    first_phase
        Evaluations before this one of each epoch are left out.

    Returns
    -------
    numpy.ndarray
        (E,) slopes per epoch of training; NaN where an epoch misses points.
    """
    per_epoch, index_N = one.evaluations_per_epoch, one.epoch_index
    slopes = np.full(int(index_N.max(initial=-1)) + 1, np.nan)
    for epoch in range(len(slopes)):
        points = np.flatnonzero(index_N == epoch)
        chosen = points[first_phase - 1 :]
        if len(points) == per_epoch and len(chosen) > 1:
            slopes[epoch] = np.polyfit(one.epoch_N[chosen], one.value_N[chosen], 1)[0]
    return slopes


def first_epoch_ramp(train: Curve, validation: Curve) -> Ratio | None:
    """Compare the ramp of train loss less validation loss in epoch 1 with that of later epochs.

    In epoch 1 no window was visited before, so memory has nothing to show; data that differ along the epoch
    do so in every epoch. The validation loss, in the middle of each phase, stands for what the weights can do.

    Parameters
    ----------
    train
        Running loss, as visited.
    validation
        Validation loss at the same moments.

    Returns
    -------
    Ratio or None
        Slopes (of the second evaluation on, for the first has no middle in epoch 1); None unless both are known
        at the same moments, three later epochs are whole and their slopes agree that there is a ramp.
    """
    if len(train.epoch_N) != len(validation.epoch_N) or np.abs(train.epoch_N - validation.epoch_N).max() > _SAME_TIME:
        return None
    middle_N = (validation.value_N + np.concatenate([validation.value_N[:1], validation.value_N[:-1]])) / 2
    slopes = slopes_within(Curve(train.epoch_N, train.value_N - middle_N), first_phase=2)
    later = slopes[1:][np.isfinite(slopes[1:])]
    if len(later) < _FEWEST or not np.isfinite(slopes[0]) or np.ptp(later) == 0:
        return None
    if scipy.stats.ttest_1samp(later, 0).pvalue >= _LEVEL:
        return None
    sign = float(np.sign(later.mean()))
    return Ratio(sign * float(slopes[0]), sign * float(later.mean()))
