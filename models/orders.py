"""The order in which one epoch visits the training windows.

An order is a pure function of (windows, seed, epoch): nothing is carried from epoch to epoch, so a resumed
run recomputes the epoch it stopped in. Every epoch has W visits. Each order implies the ages of the windows it
visits, an age being the epochs since the window's last visit; t is the position in the epoch, from 0 to 1.

Legend: W windows.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.config import Training
from models.seeds import Stream, generator
from models.stream_orders import buffered, continuous

Order = Callable[[int, int, int], NDArray[np.int64]]
"""From (number of windows W, seed, epoch counted from 0) to the W indices visited, in order."""


def order_of(config: Training) -> Order:
    """Choose the order that was asked for.

    Parameters
    ----------
    config
        The question.

    Returns
    -------
    Order
        A pure function.
    """
    orders: dict[str, Order] = {
        "reshuffle": reshuffle,
        "fixed": fixed,
        "reversed": reversed_each_epoch,
        "replacement": replacement,
        "continuous": continuous,
        "buffer": lambda n_windows, seed, epoch: buffered(n_windows, seed, epoch, config.buffer_windows),
    }
    return orders[config.order]


def reshuffle(n_windows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Visit every window once, in a new uniformly random order each epoch.

    Ages are uniform on [t, 1 + t] and so grow through the epoch from a mean of 1/2 to one of 3/2.

    Parameters
    ----------
    n_windows
        W, the training windows.
    seed
        The training's seed, at least 0.
    epoch
        Counted from 0.

    Returns
    -------
    numpy.ndarray
        (W,) int64, a permutation of 0 to W - 1.
    """
    return generator(seed, Stream.ORDER, epoch).permutation(n_windows).astype(np.int64, copy=False)


def fixed(n_windows: int, seed: int, epoch: int) -> NDArray[np.int64]:  # noqa: ARG001 (an order is asked by epoch)
    """Visit every window once, in one random order that all epochs share.

    Every age is exactly 1.

    Parameters
    ----------
    n_windows
        W.
    seed
        The training's seed.
    epoch
        Makes no difference.

    Returns
    -------
    numpy.ndarray
        (W,) int64, the permutation of the first epoch of `reshuffle`.
    """
    return reshuffle(n_windows, seed, 0)


def reversed_each_epoch(n_windows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Visit every window once, each epoch in the reverse of the order before.

    The age is exactly 2 t: it grows through the epoch from 0 to 2, the strongest sawtooth of all (Liu & Ma,
    arXiv 2410.10056).

    Parameters
    ----------
    n_windows
        W.
    seed
        The training's seed.
    epoch
        Counted from 0; odd ones go backwards.

    Returns
    -------
    numpy.ndarray
        (W,) int64, a permutation.
    """
    order_W = fixed(n_windows, seed, epoch)
    return order_W[::-1].copy() if epoch % 2 else order_W


def replacement(n_windows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Draw every visit from all windows.

    Ages are geometric with a mean of 1 (beyond a: e^-a of them) wherever in the epoch, so an epoch is but a count;
    e^-1 of the windows are not seen in a given one.

    Parameters
    ----------
    n_windows
        W.
    seed
        The training's seed.
    epoch
        Counted from 0.

    Returns
    -------
    numpy.ndarray
        (W,) int64, with repeats.
    """
    return generator(seed, Stream.ORDER, epoch).integers(n_windows, size=n_windows)
