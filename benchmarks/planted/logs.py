"""Small logs to plant causes in: users with habits in a catalogue of short chains, and much that cannot be foretold.

What cannot be foretold can only be memorised, so a healthy training that reshuffles saws here, as on real logs.

Legend: E events, W windows, V items, F favourites of a user.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.windows import HISTORY, TrainingData, WindowSet

Arrangement = Literal["users", "times", "labels"]

_YEAR_US = 365 * 24 * 3600 * 10**6
_CUT = 0.75
"""Train windows end before this share of the time, validation windows after it."""
_FOLLOWERS = 3
_POPULARITY = 0.8


@dataclass(frozen=True)
class Log:
    """What a log is like. Shares are of the events."""

    train_windows: int = 6_000
    validation_windows: int = 2_000
    items: int = 300  # V
    users: int = 400
    events_per_user: int = 32  # on average
    followed: float = 0.50  # share that is one of the last item's followers
    habitual: float = 0.30  # share that is one of the user's favourites; the rest is drawn by popularity
    favourites: int = 8  # F
    drift: float = 0.0  # share of the catalogue that popularity wanders over in the year
    arrangement: Arrangement = "users"  # how the source stores its train windows
    validation_arrangement: Arrangement = "users"
    shared: float = 0.0  # share of the validation windows that are train windows
    shuffled_labels: bool = False  # train targets that have nothing to do with their histories


@dataclass(frozen=True)
class SmallLog:
    """A generated log, cut into windows."""

    data: TrainingData
    user_W: NDArray[np.int64]  # whose each validation window is


@dataclass(frozen=True)
class _Events:
    item_E: NDArray[np.int32]
    user_E: NDArray[np.int64]
    time_E: NDArray[np.int64]  # microseconds since 1970


def make_log(log: Log, seed: int) -> SmallLog:
    """Generate a log and cut it in time.

    Parameters
    ----------
    log
        What it is like.
    seed
        At least 0.

    Returns
    -------
    SmallLog
        With exactly the numbers of windows asked for; test is the first 100 of validation.
    """
    rng = np.random.default_rng([seed, 3])
    events = _events(log, rng)
    place_E = np.arange(len(events.item_E))
    length_E = np.minimum(place_E - np.searchsorted(events.user_E, events.user_E), HISTORY)
    cut = np.quantile(events.time_E, _CUT)
    train_W = _drawn(rng, place_E[(length_E > 0) & (events.time_E < cut)], log.train_windows)
    validation_W = _drawn(rng, place_E[(length_E > 0) & (events.time_E >= cut)], log.validation_windows)
    n_shared = round(log.shared * len(validation_W))
    validation_W[:n_shared] = train_W[:n_shared]
    validation_W = _arranged(events, validation_W, log.validation_arrangement)
    train = _windows(events, _arranged(events, train_W, log.arrangement), length_E)
    data = TrainingData(
        train=_with_shuffled_labels(train, rng) if log.shuffled_labels else train,
        validation=_windows(events, validation_W, length_E),
        test=_windows(events, validation_W[:100], length_E),
        n_items=log.items,
    )
    return SmallLog(data, events.user_E[validation_W])


def _events(log: Log, rng: np.random.Generator) -> _Events:
    followers = rng.integers(1, log.items + 1, (log.items + 1, _FOLLOWERS))
    weight_V = np.arange(1, log.items + 1, dtype=np.float64) ** -_POPULARITY
    share_V: NDArray[np.float64] = weight_V / weight_V.sum()
    items, users, times = [], [], []
    for user in range(log.users):
        count = int(rng.integers(log.events_per_user // 2, log.events_per_user * 3 // 2))
        time_E = np.sort(rng.random(count))
        favourite_F = rng.choice(log.items, log.favourites, p=share_V)
        items += _items_of(log, rng, time_E, followers, favourite_F, share_V)
        users += [user] * count
        times += (time_E * _YEAR_US).astype(np.int64).tolist()
    return _Events(np.array(items, np.int32), np.array(users, np.int64), np.array(times, np.int64))


def _items_of(
    log: Log,
    rng: np.random.Generator,
    time_E: NDArray[np.float64],
    followers: NDArray[np.int64],
    favourite_F: NDArray[np.int64],
    share_V: NDArray[np.float64],
) -> list[int]:
    """Draw one user's items, 1 to V."""
    why_E = rng.random(len(time_E))
    follower_E = rng.integers(_FOLLOWERS, size=len(time_E))
    shift_E = (log.drift * log.items * time_E).astype(np.int64)
    favoured_E = (rng.choice(favourite_F, len(time_E)) + shift_E) % log.items + 1
    popular_E = (rng.choice(log.items, len(time_E), p=share_V) + shift_E) % log.items + 1
    items = [int(popular_E[0])]
    for event in range(1, len(time_E)):
        if why_E[event] < log.followed:
            items.append(int(followers[items[-1], follower_E[event]]))
        else:
            is_habit = why_E[event] < log.followed + log.habitual
            items.append(int((favoured_E if is_habit else popular_E)[event]))
    return items


def _drawn(rng: np.random.Generator, place_W: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    assert len(place_W) >= count, f"the log holds {len(place_W)} such windows, {count} are wanted: give it more users"
    return rng.choice(place_W, count, replace=False)


def _arranged(events: _Events, place_W: NDArray[np.int64], arrangement: Arrangement) -> NDArray[np.int64]:
    keys: dict[Arrangement, NDArray[np.int64]] = {
        "users": events.user_E,
        "times": events.time_E,
        "labels": events.item_E.astype(np.int64),
    }
    return place_W[np.lexsort((place_W, keys[arrangement][place_W]))]


def _windows(events: _Events, place_W: NDArray[np.int64], length_E: NDArray[np.int64]) -> WindowSet:
    return WindowSet(events.item_E, place_W.astype(np.int64), length_E[place_W].astype(np.uint8), events.time_E)


def _with_shuffled_labels(train: WindowSet, rng: np.random.Generator) -> WindowSet:
    """Copy each window out of its user's events and give it another window's target."""
    length_W = train.lengths.astype(np.int64)
    targets = rng.permutation(train.events[train.ends])
    histories = [train.events[end - length : end] for end, length in zip(train.ends, length_W, strict=True)]
    events = np.concatenate([np.append(history, target) for history, target in zip(histories, targets, strict=True)])
    assert train.times is not None
    times = np.repeat(train.times[train.ends], length_W + 1)
    return WindowSet(events.astype(np.int32), np.cumsum(length_W + 1) - 1, train.lengths, times)
