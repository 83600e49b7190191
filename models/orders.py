"""The order in which one epoch visits the training windows.

An order is a pure function of (windows, seed, epoch): nothing is carried from epoch to epoch, so a resumed
run recomputes the epoch it stopped in.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.seeds import Stream, generator

Order = Callable[[int, int, int], NDArray[np.int64]]
"""From (number of windows W, seed, epoch counted from 0) to the W indices visited, in order."""


def reshuffle(n_windows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Visit every window once, in a new uniformly random order each epoch.

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
