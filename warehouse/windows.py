"""Ordered events to candidate windows: how long each history is, and a rank that is the window's own.

A window is the event it predicts. Its rank is a hash of its identity (user, time, place among the user's events
at that time) and the seed, so that a larger drawing from the same log holds the smaller one.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from warehouse.config import Dataset
from warehouse.extract import FlatLog
from warehouse.flat import changes, mixed, since_start, user_slices, written
from warehouse.ties import same_moment

HISTORY = 10
"""The most items a history holds."""
_US_A_MINUTE = 60_000_000


@dataclass(frozen=True)
class Candidates:
    """For every event: the length of its history (0 to 10) and its rank among all."""

    lengths: NDArray[np.uint8]  # E
    ranks: NDArray[np.uint64]  # E


def collapse_repeats(log: FlatLog) -> FlatLog:
    """Keep the first of consecutive events of one user and item; in place, so nothing is copied."""
    kept = 0
    for part in user_slices(log.users, log.items, log.times):
        keep = changes(log.users[part]) | changes(log.items[part])
        count = int(np.count_nonzero(keep))
        for array in (log.items, log.users, log.times):
            array[kept : kept + count] = array[part][keep]
        kept += count
    return replace(log, items=log.items[:kept], users=log.users[:kept], times=log.times[:kept])


def candidates(log: FlatLog, config: Dataset, work: Path) -> Candidates:
    """Return every event's history length and rank; the arrays are files in ``work``."""
    types = {"lengths": np.uint8, "ranks": np.uint64}
    lengths, ranks = written(work, types, (_judged(log, config, part) for part in user_slices(log.users, log.times)))
    return Candidates(lengths, ranks)


def _judged(log: FlatLog, config: Dataset, part: slice) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    users, times = log.users[part], log.times[part]
    starts = changes(users)
    if config.session_gap_minutes is not None:
        starts[1:] |= np.diff(times) > config.session_gap_minutes * _US_A_MINUTE
    place = since_start(~same_moment(users, times)).astype(np.uint64)
    identity = log.user_hashes[users] ^ mixed(times.astype(np.uint64)) ^ mixed(mixed(place))
    rank = mixed(mixed(identity) ^ mixed(np.array([config.seed], np.uint64)))
    return np.minimum(since_start(starts), HISTORY), rank
