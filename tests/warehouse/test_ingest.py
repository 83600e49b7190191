"""Ingest is incremental, idempotent, and whole or not at all."""

import errno
import shutil
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from warehouse import ingest as module
from warehouse.config import Filter
from warehouse.errors import WarehouseError
from warehouse.ingest import manifest_of
from warehouse.store import write_json

HEADER = "user,item,at\n"


def lines(*ats: int, item: str = "i") -> str:
    return HEADER + "".join(f"u,{item},{at}\n" for at in ats)


def test_only_new_files_are_loaded(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    house.write("a.csv", lines(1, 2))
    first = house.ingest("*.csv")
    assert (first.files, first.new_files, first.rows, first.events) == (1, 1, 2, 2)
    parsed = []
    parse = module.parse
    monkeypatch.setattr(module, "parse", lambda *given: parsed.append(given[1].name) or parse(*given))
    house.write("b.csv", lines(3))
    second = house.ingest("*.csv")
    assert parsed == ["b.csv"]
    assert (second.files, second.new_files, second.rows, second.events) == (2, 1, 3, 3)
    assert second.digest != first.digest
    assert [at for _, _, at in house.events()] == [1, 2, 3]
    assert second.said == [f"{house.folder / 'b.csv'}: new, 1 events"]
    assert house.told[-1] == second.said[0]


def test_twice_changes_nothing(house: Any) -> None:
    house.write("a.csv", lines(1) + "u,,2\nshort\n")
    house.write("b.csv", lines(3))
    first = house.ingest("*.csv")
    before = house.tree()
    second = house.ingest("*.csv")
    assert house.tree() == before
    assert (second.digest, second.new_files, second.said) == (first.digest, 0, ["custom: nothing new"])
    assert second.quarantined == {"malformed line": 1, "missing item": 1}


def test_the_same_content_under_two_names_counts_once(house: Any) -> None:
    house.write("a.csv", lines(1, 2))
    house.write("b.csv", lines(1, 2))
    first = house.ingest("*.csv")
    assert (first.files, first.events) == (1, 2)
    before = house.tree()
    assert house.ingest("*.csv").digest == first.digest
    assert house.tree() == before, "the second ingest rewrote the manifest"


def test_a_renamed_file_counts_once(house: Any) -> None:
    house.write("a.csv", lines(1, 2)).rename(house.folder / "b.csv")
    first = house.ingest("b.csv")
    (house.folder / "b.csv").rename(house.folder / "a.csv")
    second = house.ingest("a.csv")
    assert (second.digest, second.events, second.new_files) == (first.digest, 2, 0)


def test_a_changed_file_replaces_and_is_said_so(house: Any) -> None:
    house.write("a.csv", lines(1, 2))
    first = house.ingest("a.csv")
    house.write("a.csv", lines(1, 2, 3))
    second = house.ingest("a.csv")
    assert (second.files, second.new_files, second.events) == (1, 1, 3)
    assert "changed since" in second.said[0]
    assert "its 3 events replace it" in second.said[0]
    house.write("a.csv", lines(1, 2))
    assert house.ingest("a.csv").digest == first.digest
    assert house.events() == [("u", "i", 1), ("u", "i", 2)]


def test_another_way_of_reading_replaces_and_is_said_so(house: Any) -> None:
    house.write("a.csv", lines(1, 2, 3))
    house.ingest("a.csv")
    found = house.ingest("a.csv", filters=(Filter(column="at", operator=">", value="1"),))
    assert "is read in another way since" in found.said[0]
    assert [at for _, _, at in house.events()] == [2, 3]


def test_the_events_of_gone_files_are_kept(house: Any) -> None:
    house.write("a.csv", lines(1))
    house.write("b.csv", lines(2))
    first = house.ingest("*.csv")
    (house.folder / "a.csv").unlink()
    second = house.ingest("*.csv")
    assert second.digest == first.digest
    assert second.said == ["1 earlier file(s) of custom are no longer there; their events are kept"]


def test_gone_files_read_in_another_way_are_refused(house: Any) -> None:
    house.write("a.csv", lines(1))
    house.write("b.csv", lines(2))
    house.ingest("*.csv")
    before = house.tree()
    (house.folder / "a.csv").unlink()
    with pytest.raises(WarehouseError, match=r"1 earlier file\(s\) of 'custom' are gone and were read with other"):
        house.ingest("*.csv", filters=(Filter(column="at", operator=">", value="1"),))
    assert house.tree() == before


def test_the_order_of_batches_does_not_depend_on_history(new_house: Any) -> None:
    contents = {"a.csv": lines(1), "b.csv": lines(2), "c.csv": lines(1), "d.csv": lines(3)}
    digests = set()
    for order in (["a.csv b.csv c.csv d.csv"], ["d.csv", "c.csv", "b.csv a.csv"], ["b.csv c.csv", "a.csv d.csv"]):
        house = new_house()
        for names in order:
            for name in names.split():
                house.write(name, contents[name])
            found = house.ingest("*.csv")
        assert [at for _, _, at in house.events()] == [1, 2, 3]
        digests.add(found.digest)
    assert len(digests) == 1


def test_too_many_bad_rows_publish_nothing(house: Any) -> None:
    house.write("a.csv", lines(1))
    house.ingest("*.csv", max_rejected=0.5)
    before = house.tree()
    house.write("b.csv", lines(*range(50)))
    house.write("c.csv", lines(7) + "u,,1\n" * 60)
    with pytest.raises(WarehouseError) as caught:
        house.ingest("*.csv", max_rejected=0.5)
    assert str(caught.value).startswith(
        "60 of 111 new rows are bad (54.1%, allowed 50.0%), nothing was loaded. Most in"
    )
    assert "c.csv: 60 missing item. Mend the log or raise --source.max-rejected" in str(caught.value)
    assert house.tree() == before
    assert house.ingest("*.csv", max_rejected=0.6).events == 52


def test_exactly_the_allowed_share_passes(house: Any) -> None:
    house.write("a.csv", lines(1) + "u,,1\n")
    assert house.ingest("a.csv", max_rejected=0.5).quarantined == {"missing item": 1}


def test_filtered_rows_are_neither_good_nor_bad(house: Any) -> None:
    house.write("a.csv", lines(*range(100)) + "u,,-1\n" * 90 + "u,,200\n")
    found = house.ingest("a.csv", max_rejected=0.01, filters=(Filter(column="at", operator=">=", value="0"),))
    assert (found.rows, found.events, found.filtered, found.quarantined) == (191, 100, 90, {"missing item": 1})


@pytest.mark.parametrize("place", ["sha256_of", "malformed_lines", "_part", "_publish", "publish", "write_json"])
def test_a_crash_in_between_leaves_nothing_visible(house: Any, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    house.write("a.csv", lines(1))
    house.ingest("*.csv")
    before, events = house.tree(), house.events()
    house.write("b.csv", lines(2))
    house.write("c.csv", lines(3))
    calls = []

    def crash(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == 2 or place in {"_publish", "malformed_lines"}:
            raise KeyboardInterrupt
        return original(*given, **named)

    original = getattr(module, place)
    with monkeypatch.context() as patch:
        patch.setattr(module, place, crash)
        with pytest.raises(KeyboardInterrupt):
            house.ingest("*.csv")
    assert manifest_of(house.store.events("custom"))["batches"][0]["path"].endswith("a.csv")
    assert house.events() == events
    after = house.tree()
    assert {name: content for name, content in after.items() if name in before} == before
    assert not any(name.startswith("work") for name in after)
    assert house.ingest("*.csv").events == 3
    assert [at for _, _, at in house.events()] == [1, 2, 3]


def test_what_a_killed_process_left_is_cleared(house: Any) -> None:
    house.write("a.csv", lines(1))
    left = house.store.work("events", "custom") / "0123456789abcdef"
    left.mkdir(parents=True)
    write_json(left / "batch.json", {"batch": "0123456789abcdef"})
    assert house.ingest("a.csv").events == 1
    assert not left.exists()
    assert len(list(house.store.events("custom").iterdir())) == 2


def test_a_file_that_grows_while_it_is_read_is_refused(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = house.write("a.csv", lines(1))
    parse = module.parse

    def grow(*given: Any) -> Iterator[Any]:
        yield from parse(*given)
        with path.open("a") as file:
            file.write("u,i,2\n")

    with monkeypatch.context() as patch:
        patch.setattr(module, "parse", grow)
        with pytest.raises(WarehouseError, match="changed while it was read"):
            house.ingest("a.csv")
    assert house.tree() == {}
    assert house.ingest("a.csv").events == 2


def test_a_full_disk_is_said_and_leaves_nothing(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    house.write("a.csv", lines(1))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "events.parquet")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_part", full)
        with pytest.raises(WarehouseError, match=r"no space left on device; free space or choose another folder"):
            house.ingest("a.csv")
    assert house.tree() == {}


def test_the_longest_name_is_taken(house: Any) -> None:
    """A name of 64 characters was allowed, then refused when its batches were made."""
    house.write("a.csv", lines(1))
    assert house.ingest("a.csv", name="n" * 64).events == 1


def test_a_batch_that_lost_its_folder_is_read_anew(house: Any) -> None:
    house.write("a.csv", lines(1))
    house.ingest("a.csv")
    batch = manifest_of(house.store.events("custom"))["batches"][0]["batch"]
    shutil.rmtree(house.store.events("custom") / batch)
    house.ingest("a.csv")
    assert house.events() == [("u", "i", 1)]


def test_a_file_that_is_damaged_in_the_middle_is_refused_by_name(house: Any) -> None:
    """What is read as rows are asked for may fail after the first of them came."""
    rows = 300_000
    frame = pl.DataFrame({"user": ["u"] * rows, "item": [f"i{row}" for row in range(rows)], "at": range(rows)})
    path = house.folder / "log.parquet"
    frame.write_parquet(path, compression="snappy")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 1_000] = bytes(1_000)
    path.write_bytes(content)
    with pytest.raises(WarehouseError, match=r"log.parquet cannot be read as parquet: "):
        house.ingest("log.parquet")
    assert not any(house.store.root.glob("events/*"))


def test_the_real_clock_is_used(house: Any) -> None:
    house.write("a.csv", HEADER + "u,i,2020-01-01\nu,i,2200-01-01\n")
    found = module.ingest(house.store, house.log("a.csv", time_kind="timestamp"), _light(), house.told.append)
    assert found.quarantined == {"time in the future": 1}


def _light() -> Any:
    from warehouse.config import Extraction

    return Extraction(memory_mb=512, threads=1)
