"""Orders that come of a stream of windows rather than of a shuffle of all: across epochs, and through a buffer.

As in `models.orders`, both are pure functions of their arguments, and t is the position in the epoch, from 0 to 1.

Legend: W windows, J visits near an epoch, R draws from a buffer.
"""

import math

import numpy as np
from numpy.typing import NDArray

from models.seeds import Stream, generator


def continuous(n_windows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Visit windows about once an epoch without any boundary between epochs.

    Window w falls due at the times k + u_w + j_wk, in epochs, for every whole k: u_w is uniform on [0, 1) and drawn
    once, j_wk is uniform on [-1/2, 1/2) and drawn each time. Visits happen as they fall due from time 0 on, and an
    epoch is the next W of them. The age is 1 + j - j': triangular on [0, 2] around 1, the same at every t, for
    the process is stationary. A window may be seen twice in an epoch, or not at all.

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
        (W,) int64.
    """
    # The visit of rank epoch * W is due at the time `epoch`, give or take 1 / sqrt(W) (one sd) and never more than
    # 1.5: only visits near the epoch need sorting, the rest is counted.
    margin = min(1.5, 8 / math.sqrt(n_windows))
    first, end = max(0.0, epoch - margin), epoch + 1 + margin
    n_before = n_windows * max(0, epoch - 3)  # those of k from 1 to epoch - 3, which are all over
    windows, times = [], []
    for visit in sorted({-1, 0, *range(max(-1, epoch - 2), epoch + 3)}):
        due_W = _due(n_windows, seed, visit)
        n_before += int(np.count_nonzero((due_W >= 0) & (due_W < first)))
        near = np.flatnonzero((due_W >= first) & (due_W < end))
        windows.append(near)
        times.append(due_W[near])
    window_J = np.concatenate(windows)[np.argsort(np.concatenate(times), kind="stable")]
    start = epoch * n_windows - n_before
    return window_J[start : start + n_windows]


def _due(n_windows: int, seed: int, visit: int) -> NDArray[np.float64]:
    phase_W = generator(seed, Stream.ORDER).random(n_windows)
    jitter_W = generator(seed, Stream.ORDER, visit + 1).random(n_windows) - 0.5
    return visit + phase_W + jitter_W


def buffered(n_windows: int, seed: int, epoch: int, buffer_windows: int) -> NDArray[np.int64]:
    """Visit every window once, in the source's order as mixed by a buffer of the next few windows.

    What tf.data's ``shuffle(buffer_size)`` does, anew each epoch: a random window of the buffer is visited, and the
    next of the source takes its place; at the end the buffer is emptied in random order. A window is delayed by
    a geometric time with a mean of b / W epochs, so its age is 1 + d - d', near 1 for small buffers and
    uniform on [t, 1 + t] for those that hold everything.

    Parameters
    ----------
    n_windows
        W.
    seed
        The training's seed.
    epoch
        Counted from 0.
    buffer_windows
        b, windows in the buffer, at least 1; 1 is the source's own order.

    Returns
    -------
    numpy.ndarray
        (W,) int64, a permutation.
    """
    size = min(buffer_windows, n_windows)
    rng = generator(seed, Stream.ORDER, epoch)
    slot_R = rng.integers(size, size=n_windows - size)
    # Draw i puts window size + i into its slot, so each draw takes what the slot's draw before put there.
    by_slot_R = np.argsort(slot_R, kind="stable")
    follows_R = np.diff(slot_R[by_slot_R], prepend=-1) == 0
    taken_R = slot_R.copy()
    taken_R[by_slot_R[follows_R]] = size + by_slot_R[:-1][follows_R[1:]]
    left = np.arange(size)
    left[slot_R] = size + np.arange(len(slot_R))  # the last draw of a slot is written last
    return np.concatenate([taken_R, rng.permutation(left)])
