"""A seeded log that behaves like a shop's, streamed to Parquet at any size.

What a next-item model can find in it: popularity (Zipf), tastes (a user mixes one to three, and a visit keeps to
one), successions (an item calls for a few others, which ones depending on the taste of the item before it, at once
or after an interruption), and returns to the user's own items. What can mislead one: baskets, whose events all carry
one time and are told apart by their place in the file only.

Legend: `n` users of a chunk, longest first; `a <= n` users still active at step `t`; `V` items. Inside, items are
numbers in which `item % tastes` is the taste and `item // tastes` the rank in it; `World.names` shuffles them, so that
an item's name tells nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from warehouse.config import Synthetic
from warehouse.store import partial_of, told_plainly

SCHEMA = pa.schema([("user", pa.string()), ("item", pa.string()), ("time", pa.timestamp("us")), ("event", pa.string())])

CHUNK_USERS = 8_192
SHORTEST, MEDIAN_EXTRA, SPREAD, LONGEST = 2, 23.0, 1.0, 400
"""Events of a user: 2 + lognormal(median 23, sigma 1), at most 400: 38 on average."""
ITEMS_A_TASTE, FEWEST_TASTES, MOST_TASTES, FLAT = 100, 5, 1_000, 3.0
"""Items of a taste, in logs of 500 to 100,000 items; an item's share of its taste falls as 1 / (rank + FLAT)."""
CONTEXTS, SUCCESSORS, SAME_TASTE = 2, 2, 0.6
"""Successors of an item in each context, and the share of them that are of its own taste."""
RETURNS, FOLLOWS, INTERRUPTIONS = 0.05, 0.60, (0.15, 0.60)
"""Shares of events that return to an own item or follow a recent one: the last (up to .15 of these), the one
before it (up to .60) or the third-last, so that a model of the last item alone falls short. The others are drawn
from the taste of the visit."""
BASKET_OPENS, BASKET_GOES_ON, VISIT_OPENS = 0.115, 0.60, 0.20
"""Chances that an event shares its time with the one before (alone; in a basket), else that it opens a visit."""
START, YEAR_S, BRIEF_S = datetime(2025, 1, 1, tzinfo=UTC), 365 * 86_400, 45 * 86_400
TIED, SAME_VISIT, NEW_VISIT = 0, 1, 2


@dataclass(frozen=True)
class World:
    """What holds for all users: which tastes there are, what follows what, what items are called."""

    items: int
    tastes: int
    successors: NDArray[np.int32]  # (CONTEXTS * SUCCESSORS, V)
    names: Any  # pyarrow strings, by item


@dataclass(frozen=True)
class Chunk:
    """The events of some users, user after user, each user's in order."""

    lengths: NDArray[np.int64]  # events of each user
    items: NDArray[np.int32]
    moments: NDArray[np.int8]  # TIED, SAME_VISIT or NEW_VISIT


def generate(config: Synthetic, path: Path, tell: Callable[[int], None] | None = None) -> None:
    """Write a log of exactly `config.events` rows as one Parquet file, whole or not at all.

    Columns: user, item, time (UTC without zone, microseconds), event ("buy" within baskets, else "view"). Rows are
    grouped by user and in order. The same configuration gives the same bytes (with the same pyarrow and
    numpy), and a longer log of the same seed and items begins with the shorter but for its last chunk of users.

    Parameters
    ----------
    config
        Events, items and seed.
    path
        The file to write; its folder must exist.
    tell
        Called after each chunk of users with the rows written so far.

    Raises
    ------
    WarehouseError
        If the disk is full or the folder cannot be written.
    """
    with told_plainly(path):
        partial = partial_of(path)
        try:
            with pq.ParquetWriter(partial, SCHEMA, compression="zstd", compression_level=1) as writer:
                rows = 0
                for table in _tables(config):
                    writer.write_table(table, row_group_size=table.num_rows)
                    rows += table.num_rows
                    if tell is not None:
                        tell(rows)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _tables(config: Synthetic) -> Iterator[pa.Table]:
    world = _world(config)
    left, first_user, chunk = config.events, 0, 0
    while left:
        rng = np.random.default_rng([config.seed, 1, chunk])
        lengths = _lengths(rng, left)
        yield _table(world, _walk(world, lengths, rng), first_user, rng)
        left -= int(lengths.sum())
        first_user += len(lengths)
        chunk += 1


def _world(config: Synthetic) -> World:
    rng = np.random.default_rng([config.seed, 0, config.items])
    tastes = min(max(config.items // ITEMS_A_TASTE, FEWEST_TASTES), MOST_TASTES)
    own = np.arange(config.items) % tastes
    successors = np.empty((CONTEXTS * SUCCESSORS, config.items), np.int32)
    for row in successors:
        taste = np.where(rng.random(config.items) < SAME_TASTE, own, rng.integers(tastes, size=config.items))
        row[:] = _of_taste(taste, rng.random(config.items) ** 0.8, config.items, tastes)
    return World(config.items, tastes, successors, _names("i", rng.permutation(config.items), 5))


def _names(letter: str, numbers: NDArray[np.int64], digits: int) -> Any:
    text = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(letter, text, "")


def _of_taste(taste: NDArray[np.int64], share: NDArray[np.float64], items: int, tastes: int) -> NDArray[np.int64]:
    """Return the item at a share (0 to 1) of its taste's popularity, which falls as 1 / (rank + FLAT)."""
    size = (items - 1 - taste) // tastes + 1
    rank = FLAT * (size / FLAT + 1.0) ** share - FLAT
    return np.minimum(rank.astype(np.int64), size - 1) * tastes + taste


def _lengths(rng: np.random.Generator, left: int) -> NDArray[np.int64]:
    """Return how many events each user of the next chunk has; the last chunk ends at exactly `left` events."""
    extra = rng.lognormal(np.log(MEDIAN_EXTRA), SPREAD, CHUNK_USERS).astype(np.int64)
    lengths = np.minimum(SHORTEST + extra, LONGEST)
    ends = lengths.cumsum()
    whole = int(np.searchsorted(ends, left - SHORTEST, side="right"))
    if whole == CHUNK_USERS:
        return lengths
    rest = left - int(ends[whole - 1]) if whole else left
    return np.append(lengths[:whole], rest)


def _walk(world: World, lengths: NDArray[np.int64], rng: np.random.Generator) -> Chunk:
    """Let all users of a chunk act in lockstep, those with the most events first, so that the active are a prefix."""
    order = np.argsort(-lengths, kind="stable")
    active = len(lengths) - np.searchsorted(np.sort(lengths), np.arange(lengths.max()), side="right")
    items = np.zeros((len(active), len(lengths)), np.int32)
    moments = np.full(items.shape, NEW_VISIT, np.int8)
    mixes = _mixes(world, len(lengths), rng)
    mood = mixes[:, 0].copy()
    for t, a in enumerate(active):
        if t:
            moments[t, :a] = _moment(moments[t - 1, :a], rng)
        opens = moments[t, :a] == NEW_VISIT
        mood[:a][opens] = mixes[:a][opens, rng.integers(3, size=int(opens.sum()))]
        items[t, :a] = _choose(world, items[:t, :a], mood[:a], rng)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    kept = np.arange(len(active)) < lengths[:, None]
    return Chunk(lengths, items.T[place][kept], moments.T[place][kept])


def _mixes(world: World, users: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return three tastes a user, the first repeated where a user has fewer; some tastes are commoner."""
    mixes = (world.tastes * rng.random((users, 3)) ** 2).astype(np.int64)
    count = rng.integers(1, 4, size=users)
    return np.where(np.arange(3) < count[:, None], mixes, mixes[:, :1]).astype(np.int64, copy=False)


def _moment(before: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
    chance = rng.random((2, len(before)))
    tied = chance[0] < np.where(before == TIED, BASKET_GOES_ON, BASKET_OPENS)
    return np.where(tied, TIED, np.where(chance[1] < VISIT_OPENS, NEW_VISIT, SAME_VISIT)).astype(np.int8)


def _choose(
    world: World, past: NDArray[np.int32], mood: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the next item of each active user, given all items so far (t, a) and the taste of the visit (a)."""
    kind, share, pick = rng.random((3, len(mood)))
    chosen = _of_taste(mood, share, world.items, world.tastes)
    t = len(past)
    if t >= 2:
        returns = np.flatnonzero(kind < RETURNS)
        back = (pick[returns] ** 2 * (t - 1)).astype(np.int64)
        chosen[returns] = past[t - 2 - back, returns]
        follows = np.flatnonzero((kind >= RETURNS) & (kind < RETURNS + FOLLOWS))
        chosen[follows] = _follow(world, past, follows, pick[follows], share[follows])
    return chosen


def _follow(
    world: World,
    past: NDArray[np.int32],
    users: NDArray[np.int64],
    pick: NDArray[np.float64],
    share: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return what these users' recent items call for: `pick` says which item, `share` which of its successors."""
    lag = np.minimum(np.searchsorted(INTERRUPTIONS, pick, side="right"), len(past) - 2)
    source = past[len(past) - 1 - lag, users]
    context = past[len(past) - 2 - lag, users] % world.tastes % CONTEXTS
    which = (share**1.5 * SUCCESSORS).astype(np.int64)
    followers: NDArray[np.int32] = world.successors[context * SUCCESSORS + which, source]
    return followers.astype(np.int64)


def _table(world: World, chunk: Chunk, first_user: int, rng: np.random.Generator) -> pa.Table:
    users = np.arange(first_user, first_user + len(chunk.lengths))
    tied = chunk.moments == TIED
    in_basket = tied | np.append(tied[1:], False)
    columns = [
        _names("u", users, 6).take(pa.array(np.repeat(np.arange(len(users)), chunk.lengths))),
        world.names.take(pa.array(chunk.items)),
        pa.array(_times_us(chunk, rng)).cast(pa.timestamp("us")),
        pa.array(["view", "buy"]).take(pa.array(in_basket.astype(np.int8))),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _times_us(chunk: Chunk, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return microseconds since 1970: half of the users visit all year, half within 45 days, evenly over the year.

    Visits are uniform in a user's lifetime (a Poisson process given their number): gaps are exponential, divided by
    their sum and one more for the time after the last visit.
    """
    starts = np.append(0, chunk.lengths.cumsum()[:-1])
    gaps = np.where(chunk.moments == NEW_VISIT, rng.exponential(size=len(chunk.moments)), 0.0)
    users = len(starts)
    brief = rng.random(users) < 0.5
    lifetime_s = np.where(brief, 86_400 + rng.random(users) * BRIEF_S, YEAR_S)
    scale_s = lifetime_s / (np.add.reduceat(gaps, starts) + rng.exponential(size=users))
    gaps_s = gaps * np.repeat(scale_s, chunk.lengths)
    gaps_s[starts] += rng.random(users) * (YEAR_S - lifetime_s)
    gaps_s += np.where(chunk.moments == TIED, 0.0, 1.0 + rng.exponential(60.0, len(gaps)))
    total = gaps_s.astype(np.int64).cumsum()
    before = np.append(0, total[starts[1:] - 1])
    time_s = total - np.repeat(before, chunk.lengths) + int(START.timestamp())
    return np.asarray(time_s * 1_000_000, np.int64)
