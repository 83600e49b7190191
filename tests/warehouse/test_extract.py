"""Events in order, coded, and cut where it was said."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from warehouse.config import Dataset, Extraction, Split
from warehouse.errors import WarehouseError
from warehouse.extract import Cuts, extract, time_text
from warehouse.ingest import manifest_of

LIGHT = Extraction(memory_mb=512, threads=1)
LAST = Split(kind="leave_one_out")


def extracted(house: Any, rows: Any = None, time_kind: str = "order", **settings: Any) -> Any:
    if rows is not None:
        house.ingest_rows(rows, time_kind=time_kind)
    folder = house.store.events("custom")
    batches = [folder / one["batch"] for one in manifest_of(folder)["batches"]]
    work = house.folder / "work"
    work.mkdir(exist_ok=True)
    return extract(batches, time_kind, Dataset(**settings), LIGHT, work)


def test_events_are_ordered_by_user_time_and_place(house: Any) -> None:
    rows = [("v", "10", 5), ("u", "2", 7), ("v", "9", 5), ("u", "1", 3), ("v", "b", 1), ("u", "10", 3)]
    log = extracted(house, rows, split=LAST)
    users, items = np.array(log.user_ids), np.array(log.item_ids)
    found = zip(users[log.users], items[log.items], log.times, strict=True)
    in_order = [("u", "1", 3), ("u", "10", 3), ("u", "2", 7), ("v", "b", 1), ("v", "10", 5), ("v", "9", 5)]
    assert list(found) == in_order
    assert log.events_in_log == 6
    assert (log.items.dtype, log.users.dtype, log.times.dtype) == (np.int32, np.int32, np.int64)
    assert isinstance(log.items, np.memmap)


def test_items_are_ordered_as_numbers_then_as_text(house: Any) -> None:
    log = extracted(house, [("u", item, 0) for item in ("b", "10", "9", "a", "-1")], split=LAST)
    assert log.item_ids.to_pylist() == ["-1", "9", "10", "a", "b"]
    by_text = sorted(log.item_ids.to_pylist())
    assert [by_text.index(item) for item in log.item_ids.to_pylist()] == log.item_text_ranks.tolist()


def test_the_place_is_that_in_the_file_of_its_batch(house: Any) -> None:
    house.write("b.csv", "user,item,at\nu,c,0\nu,d,0\n")
    house.write("a.csv", "user,item,at\nu,z,0\nu,a,0\n")
    house.ingest("*.csv")
    log = extracted(house, split=LAST)
    assert log.item_ids.take(pa.array(log.items)).to_pylist() == ["z", "a", "c", "d"]


def test_rare_items_are_counted_before_the_cut_alone(house: Any) -> None:
    rows = [("u", "early", 1), ("u", "early", 2), ("u", "late", 3), ("v", "late", 8), ("v", "late", 9), ("v", "x", 9)]
    log = extracted(house, rows, min_item_count=2, min_user_events=1, split=Split(train_until="0.5"))
    assert log.cuts == Cuts(8, 9)
    assert log.item_ids.to_pylist() == ["early"]
    log = extracted(house, min_item_count=2, min_user_events=1, split=LAST)
    assert log.item_ids.to_pylist() == ["early", "late"]
    assert log.cuts == Cuts(None, None)


def test_users_are_counted_by_the_items_kept(house: Any) -> None:
    rows = [("u", "a", 1), ("u", "a", 2), ("v", "a", 3), ("v", "rare", 4), ("w", "b", 5), ("w", "b", 6), ("w", "b", 9)]
    log = extracted(house, rows, min_item_count=2, split=LAST)
    assert log.user_ids.to_pylist() == ["u", "w"]
    assert len(log.items) == 5


def test_nothing_left_is_refused(house: Any) -> None:
    rows = [("u", str(at), at) for at in range(10)]
    with pytest.raises(
        WarehouseError, match=r"none of the log's 10 events is left after min_item_count=5 and min_user"
    ):
        extracted(house, rows, min_item_count=5, split=Split(train_until="0.5", validation_until="0.7"))


@pytest.mark.parametrize(("share", "place"), [("0.5", 5), ("0.05", 0), ("0.99", 9)])
def test_a_share_is_the_time_of_the_event_there(house: Any, share: str, place: int) -> None:
    rows = [("u", "i", at * 3) for at in reversed(range(10))]
    split = Split(train_until=share, validation_until="0.999")
    if place == 9:
        with pytest.raises(WarehouseError, match="nothing is between them"):
            extracted(house, rows, split=split)
    else:
        assert extracted(house, rows, split=split).cuts.train_until == place * 3


@pytest.mark.parametrize("spread", [0, 1, 3, 10**6, 2**61])
def test_a_share_is_found_whatever_the_times(house: Any, spread: int) -> None:
    """Negative, tied, crowded and far apart: the place is that of a sort."""
    random = np.random.default_rng(spread)
    times = [*random.integers(-spread, spread + 1, 60).tolist(), *random.integers(-2, 3, 60).tolist(), spread + 7]
    house.ingest_rows([("u", "i", at) for at in times])
    for share in (0.01, 0.3, 0.5, 0.77, 0.99):
        log = extracted(house, split=Split(train_until=str(share), validation_until="0.9999"))
        assert log.cuts == Cuts(sorted(times)[int(share * len(times))], max(times))


def test_cuts_by_date_are_utc(house: Any) -> None:
    rows = [("u", "i", at) for at in (0, 86_400, 3 * 86_400)]
    split = Split(train_until="1970-01-02", validation_until="1970-01-03T00:00:00+02:00")
    cuts = extracted(house, rows, time_kind="epoch_s", split=split).cuts
    assert cuts == Cuts(86_400_000_000, 2 * 86_400_000_000 - 7_200_000_000)


def test_a_date_cannot_cut_a_plain_order(house: Any) -> None:
    split = Split(train_until="1970-01-02", validation_until="0.95")
    with pytest.raises(WarehouseError, match=r"needs times; this log has a plain order. Give a share"):
        extracted(house, [("u", "i", 1), ("u", "i", 2)], split=split)


def test_times_all_equal_are_refused_with_a_way_out(house: Any) -> None:
    with pytest.raises(WarehouseError, match=r"Times may be all equal; .* leave_one_out"):
        extracted(house, [("u", "i", 5), ("u", "j", 5)] * 5)


@pytest.mark.parametrize(
    ("at", "kind", "expected"),
    [
        (None, "epoch_s", None),
        (7, "order", "7"),
        (0, "timestamp", "1970-01-01T00:00:00+00:00"),
        (-62_135_596_800_000_000, "timestamp", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_times_for_people(at: int | None, kind: str, expected: str | None) -> None:
    assert time_text(at, kind) == expected


def test_a_store_in_a_folder_named_like_a_pattern(new_house: Any) -> None:
    house = new_house()
    house.folder /= "it's [1] a*b?"
    log = extracted(house, [("u", "a", 1), ("u", "b", 2), ("u", "a", 3)], split=LAST)
    assert len(log.items) == 3
