"""The whole extraction against a naive reference: order, filters, collapse, gaps, splits, drawing, vocabulary."""

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.config import Dataset, Split
from warehouse.errors import WarehouseError
from warehouse.extract import FlatLog
from warehouse.flat import user_slices
from warehouse.splits import SPLITS
from warehouse.windows import candidates, collapse_repeats

MASK = 2**64 - 1
Row = tuple[str, str, int]
Event = tuple[str, str, int]


# The reference: plain Python, one event at a time


def mixed(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def hashed(text: str) -> int:
    return int.from_bytes(hashlib.md5(text.encode()).digest()[8:], "little")  # noqa: S324


def cut_at(rows: list[Row], share: str) -> int:
    moments = sorted(at for _, _, at in rows)
    return moments[min(int(float(share) * len(moments)), len(moments) - 1)]


def histories(rows: list[Row], config: Dataset, until: int) -> dict[str, list[list[Event]]]:
    """Return each user's sessions of events, in order."""
    least = config.min_item_count or 1
    if least > 1:
        counts = Counter(item for _, item, at in rows if at < until)
        rows = [row for row in rows if counts[row[1]] >= least]
    events = Counter(user for user, _, _ in rows)
    found: dict[str, list[list[Event]]] = {}
    for user in sorted(user for user, count in events.items() if count >= config.min_user_events):
        mine = [row for row in rows if row[0] == user]
        if config.ties == "hash":
            mine.sort(key=lambda row: mixed(hashed(row[1]) ^ mixed(hashed(user) ^ mixed(row[2] & MASK)) ^ config.seed))
        mine.sort(key=lambda row: row[2])
        if config.collapse_repeats:
            mine = [row for place, row in enumerate(mine) if place == 0 or mine[place - 1][1] != row[1]]
        found[user] = [[]]
        for place, row in enumerate(mine):
            gap = config.session_gap_minutes
            if gap is not None and place and row[2] - mine[place - 1][2] > gap * 60_000_000:
                found[user].append([])
            found[user][-1].append(row)
    return found


def reference(rows: list[Row], config: Dataset) -> dict[str, list[tuple[Any, ...]]] | None:
    """Return the windows of each split as Warehouse.windows does; None where the dataset must be refused."""
    temporal = config.split.kind == "temporal"
    first, second = (cut_at(rows, share) for share in (config.split.train_until, config.split.validation_until))
    if temporal and first >= second:
        return None
    pools: dict[str, list[tuple[int, tuple[Any, ...]]]] = {split: [] for split in SPLITS}
    users = histories(rows, config, first if temporal else MASK)
    if len(users) < 2:
        return None
    for user, sessions in users.items():
        flat = [row for session in sessions for row in session]
        places: Counter[int] = Counter()
        at_number = 0
        for session in sessions:
            for place, (_, item, at) in enumerate(session):
                identity = hashed(user) ^ mixed(at & MASK) ^ mixed(mixed(places[at]))
                rank = mixed(mixed(identity) ^ mixed(config.seed))
                places[at] += 1
                from_end, at_number = len(flat) - at_number, at_number + 1
                number = (at >= first) + (at >= second) if temporal else {1: 2, 2: 1}.get(from_end, 0)
                history = tuple(row[1] for row in session[max(0, place - 10) : place])
                if len(history) >= config.min_history:
                    pools[SPLITS[number]].append((rank, (user, at, item, history)))
    return drawn(pools, config)


def drawn(pools: dict[str, list[tuple[int, Any]]], config: Dataset) -> dict[str, list[tuple[Any, ...]]] | None:
    asked = dict(zip(SPLITS, (config.train_windows, config.validation_windows, config.test_windows), strict=True))
    train = sorted(pools["train"])[: asked["train"]]
    known = {item for _, (_, _, target, history) in train for item in (target, *history)}
    found = {}
    for split in SPLITS:
        pool = sorted(pools[split])
        if config.unknown_targets == "drop" and split != "train":
            pool = [one for one in pool if one[1][2] in known]
        found[split] = sorted(
            ((user, at, shown(target, known), tuple(shown(item, known) for item in history))
             for _, (user, at, target, history) in pool[: asked[split]]),
            key=repr,
        )  # fmt: skip
    return found if all(found.values()) and len(known) >= 2 else None


def shown(item: str, known: set[str]) -> str | None:
    return item if item in known else None


# The comparison

rows_with_ties = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "ü", "user with spaces"]),
        st.sampled_from(["1", "2", "10", "a", "b", "x y"]),
        st.sampled_from([0, 1, 2, 3, 60, 61, 400, 401, 402, 900]),
    ),
    min_size=8,
    max_size=60,
)
configs = st.builds(
    Dataset,
    min_history=st.integers(1, 3),
    min_item_count=st.sampled_from([1, 1, 2, 4]),
    min_user_events=st.sampled_from([1, 2, 5]),
    collapse_repeats=st.booleans(),
    session_gap_minutes=st.sampled_from([None, None, 1.0, 5.0]),
    ties=st.sampled_from(["source", "hash"]),
    split=st.builds(
        Split,
        kind=st.sampled_from(["temporal", "temporal", "leave_one_out"]),
        train_until=st.sampled_from(["0.5", "0.7"]),
        validation_until=st.sampled_from(["0.8", "0.9"]),
    ),
    unknown_targets=st.sampled_from(["drop", "miss"]),
    train_windows=st.sampled_from([5, 10**6]),
    validation_windows=st.sampled_from([2, 10**6]),
    test_windows=st.just(10**6),
    allow_fewer=st.just(True),
    seed=st.sampled_from([0, 1, 2**63 - 1]),
)


@settings(max_examples=40, deadline=None)
@given(rows_with_ties, configs, st.sampled_from([1, 7, 10**6]))
def test_windows_are_those_of_the_reference(new_house: Any, rows: list[Row], config: Dataset, part: int) -> None:
    """Seconds become microseconds; ``part`` chunks the arrays, which must not change anything."""
    house = new_house()
    ingested = house.ingest_rows(rows, time_kind="epoch_s")
    expected = reference([(user, item, at * 1_000_000) for user, item, at in rows], config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_slices, "__kwdefaults__", {"part": part})
        if expected is None:
            with pytest.raises(WarehouseError):
                house.build(ingested, **config.model_dump())
        else:
            assert house.windows(house.build(ingested, **config.model_dump())) == expected


def test_histories_hold_the_last_ten_items(house: Any) -> None:
    rows = [("u", str(at), at) for at in range(30)] + [("v", "0", 0), ("v", "1", 29)]
    split = Split(train_until="0.85", validation_until="0.95")
    found = house.windows(house.build(house.ingest_rows(rows), split=split, unknown_targets="miss"))
    assert ("u", 20, "20", tuple(str(at) for at in range(10, 20))) in found["train"]
    assert ("u", 3, "3", ("0", "1", "2")) in found["train"]
    assert max(len(history) for _, _, _, history in found["train"]) == 10


def test_repeats_collapse_within_users_and_in_place(flat_log: Callable[..., FlatLog], monkeypatch: Any) -> None:
    for part in (1, 2, 100):
        monkeypatch.setattr(user_slices, "__kwdefaults__", {"part": part})
        log = flat_log([0, 0, 0, 1, 1, 2], [3, 3, 2, 2, 2, 2], [1, 2, 3, 4, 5, 6], (None, None))
        kept = collapse_repeats(log)
        assert [kept.users.tolist(), kept.items.tolist(), kept.times.tolist()] == [
            [0, 0, 1, 2],
            [3, 2, 2, 2],
            [1, 3, 4, 6],
        ]
        assert np.shares_memory(kept.items, log.items)


def test_a_gap_begins_a_new_history_only_when_it_is_longer(flat_log: Any, tmp_path: Any) -> None:
    minute = 60_000_000
    log = flat_log([0] * 4, [0, 1, 0, 1], [0, 5 * minute, 10 * minute, 15 * minute + 1], (None, None))
    assert candidates(log, Dataset(session_gap_minutes=5), tmp_path).lengths.tolist() == [0, 1, 2, 0]
    assert candidates(log, Dataset(), tmp_path).lengths.tolist() == [0, 1, 2, 3]


def test_ranks_are_the_windows_own_and_even(flat_log: Any, tmp_path: Any) -> None:
    """The rank of a window does not depend on its item, on other users, or on later events."""
    users, times = np.repeat(np.arange(200), 10).tolist(), list(range(5)) * 400
    times = sorted(times[:10]) * 200
    log = flat_log(users, [0] * 2_000, times, (None, None))
    ranks = candidates(log, Dataset(), tmp_path).ranks.copy()
    assert len(set(ranks.tolist())) == 2_000
    assert 0.45 < (ranks > 2**63).mean() < 0.55
    part = flat_log(users, [1, *[0] * 1_999], times, (None, None))
    few = FlatLog(**{**vars(part), "items": part.items[:9], "users": part.users[:9], "times": part.times[:9],
                     "user_hashes": log.user_hashes})  # fmt: skip
    assert candidates(few, Dataset(), tmp_path).ranks.tolist() == ranks[:9].tolist()
    other = candidates(log, Dataset(seed=1), tmp_path).ranks
    assert (other != ranks).all()
