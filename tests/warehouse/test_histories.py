"""Histories as of now, against the arrays of the dataset and against tables worked by hand."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.conftest import LIGHT
from warehouse import histories
from warehouse.errors import WarehouseError
from warehouse.histories import histories_of, whole_batches
from warehouse.ingest import manifest_of
from warehouse.snapshot import Snapshot, open_snapshot

Found = dict[str, tuple[list[str], list[str]]]


def found(house: Any, snapshot: Snapshot, wanted: Path | None = None, source: str = "custom") -> Found:
    """Return history and seen items of each user, by their ids."""
    folder = house.store.events(source)
    batches = whole_batches(folder, manifest_of(folder)["batches"])
    names, said = [None, *snapshot.item_ids()], {}
    with histories_of(batches, snapshot, wanted, LIGHT, house.folder / "spill") as parts:
        for part in parts:
            for place, user in enumerate(part.users.to_pylist()):
                assert user not in said
                said[user] = ([names[one] for one in part.history(place)], [names[one] for one in part.seen(place)])
    assert list(said) == sorted(said)
    return said


def dataset_of(house: Any, rows: list[tuple[str, str, int]], **settings: Any) -> Snapshot:
    built = house.build(house.ingest_rows(rows), **settings)
    return open_snapshot(house.store.dataset(built.dataset_id))


def of_arrays(snapshot: Snapshot) -> Found:
    """Return the same of a dataset's own events, user by user."""
    names, users, items = [None, *snapshot.item_ids()], snapshot.arrays["users"], snapshot.arrays["items"]
    said = {}
    for code, user in enumerate(snapshot.user_ids()):
        known = [names[item] for item in items[users == code] if item]
        said[user] = (known[-10:], known)
    return said


@pytest.mark.parametrize("ties", ["source", "hash"])
def test_without_newer_events_histories_are_the_datasets_own(house, monkeypatch, ties):
    """Whatever the order of ties; users are of 25 events each, 60 times in all, so that many are tied."""
    random = np.random.default_rng(2)
    rows = [(f"u{random.integers(12):02}", f"i{random.integers(20):02}", int(random.integers(60))) for _ in range(300)]
    snapshot = dataset_of(house, rows, ties=ties, min_user_events=1)
    monkeypatch.setattr(histories, "_USERS_A_PART", 5)
    assert found(house, snapshot) == of_arrays(snapshot)


@given(
    counts=st.lists(st.integers(1, 5), max_size=8),
    cuts=st.lists(st.integers(0, 40), max_size=6),
)
def test_a_stream_is_parted_where_a_user_ends_wherever_its_batches_end(counts, cuts):
    users = [f"u{place}" for place, count in enumerate(counts) for _ in range(count)]
    table = pa.table({"user": pa.array(users, pa.string()), "place": pa.array(range(len(users)), pa.int64())})
    ends = sorted({0, len(users), *(cut for cut in cuts if cut < len(users))})
    slices = [table.slice(start, end - start) for start, end in pairwise(ends)]
    batches = [batch for part in slices for batch in part.to_batches()]
    parts = list(histories._whole_users(iter(batches)))
    assert [row for part in parts for row in part.to_pylist()] == table.to_pylist()
    owners = [set(part["user"].to_pylist()) for part in parts]
    assert sum(map(len, owners)) == len(counts)


def test_newer_events_count_and_unknown_items_are_skipped(house, small_rows):
    snapshot = dataset_of(house, small_rows)
    before = found(house, snapshot)
    house.write("log2.csv", "user,item,at\nu03,new,20000\nu03,i07,20001\nnewcomer,i01,20000\nstranger,new,20000\n")
    house.ingest("log*.csv")
    after = found(house, snapshot)
    assert after["u03"] == ([*before["u03"][0], "i07"][-10:], [*before["u03"][1], "i07"])
    assert after["newcomer"] == (["i01"], ["i01"])
    assert after["stranger"] == ([], [])
    assert {user: said for user, said in after.items() if user in before and user != "u03"} == {
        user: said for user, said in before.items() if user != "u03"
    }


def test_only_those_asked_for_each_once_absent_ones_empty(house, small_rows):
    snapshot = dataset_of(house, small_rows)
    wanted = house.write("users.txt", 'u07\nnobody\nu03\nu07\n\nit\'s "me"\n')
    said, everyone = found(house, snapshot, wanted), found(house, snapshot)
    assert said == {"u03": everyone["u03"], "u07": everyone["u07"], "nobody": ([], []), 'it\'s "me"': ([], [])}


def at(minutes: int) -> int:
    return minutes * 60


@pytest.mark.parametrize(
    ("config", "history"),
    [
        ({}, ["a", "a", "b", "b", "c"]),
        ({"collapse_repeats": True}, ["a", "b", "c"]),
        ({"session_gap_minutes": 30}, ["b", "c"]),
        ({"session_gap_minutes": 5}, ["c"]),
    ],
)
def test_histories_are_cut_as_the_datasets_windows_are(house, config, history):
    """Of one user: a a b, then after an hour b, and ten minutes later c."""
    mine = [("me", "a", at(0)), ("me", "a", at(1)), ("me", "b", at(2)), ("me", "b", at(62)), ("me", "c", at(72))]
    others = [(f"u{n}", item, at(n)) for n in range(30) for item in "abcab"]
    house.write("log.csv", "user,item,at\n" + "".join(f"{u},{i},{t}\n" for u, i, t in [*others, *mine]))
    ingested = house.ingest(time_kind="epoch_s")
    built = house.build(ingested, min_user_events=1, split={"kind": "leave_one_out"}, **config)
    said = found(house, open_snapshot(house.store.dataset(built.dataset_id)))["me"]
    assert said[0] == history
    assert set(said[1]) == {"a", "b", "c"}


def test_altered_events_are_refused_by_name(house, small_rows):
    snapshot = dataset_of(house, small_rows)
    (events,) = house.store.events("custom").glob("*/events.parquet")
    events.write_bytes(events.read_bytes()[:-1] + b"!")
    with pytest.raises(WarehouseError, match=r"events\.parquet is missing or was altered; remove .* ingest .*log\.csv"):
        found(house, snapshot)


def test_a_source_without_events_is_said(tmp_path):
    with pytest.raises(WarehouseError, match="holds no events: ingest the log first"):
        whole_batches(tmp_path, [])
