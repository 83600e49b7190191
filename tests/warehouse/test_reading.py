"""Rows become events or are rejected with a reason and a place; what is no log at all is refused by name."""

import gzip
import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from warehouse.config import Columns, Filter
from warehouse.errors import WarehouseError

HEADER = "user,item,at\n"
US = 1_000_000


def read(house: Any, content: str | bytes | pl.DataFrame, name: str = "log.csv", **settings: Any) -> Any:
    house.write(name, content)
    return house.ingest(name, **settings)


def moments(house: Any, values: list[str], **settings: Any) -> tuple[dict[int, int], dict[int, str]]:
    """Return what became of the rows with these times: moments by row, reasons by row. The last row is good."""
    lines = [f'u,i,"{value}"\n' for value in [*values, "1"]]
    read(house, HEADER + "".join(lines), **settings)
    events, quarantine = house.table("events"), house.table("quarantine")
    good = dict(zip(events["row"], events["moment"], strict=True))
    bad = dict(zip(quarantine["number"], quarantine["reason"], strict=True))
    assert set(good) | set(bad) == set(range(1, len(lines) + 1))
    return good, bad


# Formats


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "dat", "parquet"])
def test_every_format_reads_the_same(house: Any, ending: str, zipped: bool) -> None:
    rows = [("u1", 'a "b", c', 1), ("u2", "\tü\n🎁", 2), ("u1", "::", 3)]
    frame = pl.DataFrame(rows, schema=["user", "item", "at"], orient="row")
    if ending == "parquet":
        content: Any = frame
    elif ending == "jsonl":
        content = "".join(json.dumps(row) + "\n" for row in frame.to_dicts())
    else:
        content = frame.write_csv(separator="\t" if ending == "tsv" else ",")
    name, settings = f"log.{ending}", {}
    if ending == "dat":
        settings = {"format": "csv", "delimiter": ","}
    if zipped and ending != "parquet":
        name, content = f"{name}.gz", gzip.compress(content.encode())
    found = read(house, content, name, **settings)
    assert house.events() == rows
    assert found.quarantined == {}


def test_a_delimiter_of_several_characters(house: Any) -> None:
    read(house, "user::item::at\nu:1::i::5\n", "log.dat", format="csv", delimiter="::")
    assert house.events() == [("u:1", "i", 5)]


def test_an_unknown_delimiter_is_found(house: Any) -> None:
    read(house, "user;item;at\n" + "u;i;1\n" * 5, "log.dat", format="csv")
    assert len(house.events()) == 5


def test_a_text_log_without_header(house: Any) -> None:
    read(house, "x,u,i,7\n", header=False, column_names=("other", "user", "item", "at"))
    assert house.events() == [("u", "i", 7)]
    columns = Columns(user="column1", item="column2", time="column3")
    house.write("unnamed.csv", "x,u,i,8\n")
    house.ingest("unnamed.csv", header=False, columns=columns, name="unnamed")
    assert house.events("unnamed") == [("u", "i", 8)]


def test_a_byte_order_mark_and_windows_lines(house: Any) -> None:
    read(house, b"\xef\xbb\xbfuser,item,at\r\nu,i,1\r\nu,j,2\r\n")
    assert house.events() == [("u", "i", 1), ("u", "j", 2)]


def test_lines_that_look_like_comments_are_rows(house: Any) -> None:
    read(house, HEADER + "u,i,1\n#v,j,2\n" + "#w,k,3\n" * 20)
    assert len(house.events()) == 22


def test_a_file_named_like_a_pattern_is_itself(house: Any) -> None:
    """DuckDB took log[1].csv for a pattern and read log1.csv in its place."""
    house.write("log1.csv", HEADER + "wrong,wrong,1\n")
    read(house, HEADER + "u,i,1\n", "log[1].csv")
    assert house.events() == [("u", "i", 1)]


def test_the_order_of_a_large_file_is_kept(house: Any) -> None:
    read(house, HEADER + "".join(f"u,i{place},0\n" for place in range(60_000)))
    assert house.table("events")["row"].to_list() == list(range(1, 60_001))
    assert [item for _, item, _ in house.events()] == [f"i{place}" for place in range(60_000)]


# Names and ids


@pytest.mark.parametrize(
    ("user", "item", "at", "kind"),
    [
        ("user", "order", "at", "select"),
        ('us"er', "it'em", "🎁", "a;b--"),
        ("row", "moment", "reason", "kept"),
        ("item_id", "user_id", "now_us", "raw"),
        ("{", "?", "$1", "%s"),
        ("a b", "\\", "NULL", "*"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_columns_may_have_any_name(house: Any, user: str, item: str, at: str, kind: str, ending: str) -> None:
    frame = pl.DataFrame({user: ["u", "v"], item: ["i", "j"], at: [1, 2], kind: ["x", "y"]})
    content = {"csv": frame.write_csv(), "parquet": frame, "jsonl": frame.write_ndjson()}[ending]
    columns = Columns(user=user, item=item, time=at, event_type=kind)
    read(house, content, f"log.{ending}", columns=columns, filters=(Filter(column=kind, operator="=", value="y"),))
    assert house.events() == [("v", "j", 2)]
    assert house.table("events")["event_type"].to_list() == ["y"]


def test_ids_that_are_floats_lose_their_point(house: Any) -> None:
    users = [1.0, 12346.0, 2.5, 1e300, -0.0, float("nan"), float("inf"), None]
    read(house, pl.DataFrame({"user": users, "item": range(8), "at": range(8)}), "log.parquet")
    assert [user for user, _, _ in house.events()] == ["1", "12346", "2.5", "1e+300", "0"]
    assert house.quarantine() == [("missing user", "row", place) for place in (6, 7, 8)]


def test_blank_and_overlong_ids_are_rejected_and_others_trimmed(house: Any) -> None:
    long = "x" * 1_001
    content = HEADER + f'" ",i,1\n,i,1\nu,,1\nu," ",1\n{long},i,1\nu,{long},1\n " u ", i ,1\n{"x" * 1_000},i,1\n'
    read(house, content)
    reasons = ["missing user"] * 2 + ["missing item"] * 2 + ["user too long", "item too long"]
    assert house.quarantine() == sorted((reason, "row", place) for place, reason in enumerate(reasons, start=1))
    assert house.events()[-1] == ("x" * 1_000, "i", 1)


def test_quarantine_keeps_what_the_row_said(house: Any) -> None:
    read(house, HEADER + "u,i,1\nu,i,soon\n")
    assert house.table("quarantine")["raw"].to_list() == ['{"user":"u","item":"i","at":"soon"}']


# Times


def test_timestamps_as_text(house: Any) -> None:
    values = ["2014-04-07T10:51:09.277Z", "2014-04-07 10:51:09+02", "2014-04-07", "infinity", "-infinity", "NaN", "",
              "12/1/2009 07:45", "2099-01-01", "0044-03-15 (BC)", "1396867869"]  # fmt: skip
    good, bad = moments(house, values, time_kind="timestamp", max_rejected=1.0)
    assert good == {1: 1_396_867_869_277_000, 2: 1_396_860_669_000_000, 3: 1_396_828_800_000_000}
    assert bad.pop(9) == "time in the future"
    assert bad == dict.fromkeys((4, 5, 6, 7, 8, 10, 11, 12), "unreadable time")


@pytest.mark.parametrize(("kind", "scale"), [("epoch_s", US), ("epoch_ms", 1_000)])
def test_epochs(house: Any, kind: str, scale: int) -> None:
    values = ["5", "5.25", "-3", "nan", "inf", "1e300", "9e18", "-9e18", "-1e15", "", "x", str(2 * 10**18 // scale)]
    good, bad = moments(house, values, time_kind=kind)
    assert good == {1: 5 * scale, 2: 5.25 * scale, 3: -3 * scale, 13: scale}
    assert bad.pop(12) == "time in the future"
    assert bad == dict.fromkeys(range(4, 12), "unreadable time")


def test_plain_orders_are_whole_numbers(house: Any) -> None:
    values = ["-5", "1e3", "7.0", "1.5", "9223372036854775807", "9223372036854775808", "nan", "inf", "", "x"]
    good, bad = moments(house, values)
    assert good == {1: -5, 2: 1_000, 3: 7, 5: 2**63 - 1, 11: 1}
    assert bad == dict.fromkeys((4, 6, 7, 8, 9, 10), "unreadable time")


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_timestamps_of_parquet(house: Any, unit: Any, zone: str | None) -> None:
    at = pl.Series([datetime(2020, 1, 1), None], dtype=pl.Datetime(unit)).dt.replace_time_zone(zone)  # noqa: DTZ001
    read(house, pl.DataFrame({"user": ["u", "v"], "item": ["i", "j"], "at": at}), "log.parquet", time_kind="timestamp")
    expected = datetime(2020, 1, 1, tzinfo=UTC).timestamp() - (3_600 if zone else 0)
    assert house.events() == [("u", "i", int(expected) * US)]
    assert house.quarantine() == [("unreadable time", "row", 2)]


def test_dates_of_parquet_begin_at_midnight(house: Any) -> None:
    frame = pl.DataFrame({"user": ["u"], "item": ["i"], "at": [date(1970, 1, 2)]})
    read(house, frame, "log.parquet", time_kind="timestamp")
    assert house.events() == [("u", "i", 86_400 * US)]


def test_whole_numbers_are_no_timestamps(house: Any) -> None:
    frame = pl.DataFrame({"user": ["u"], "item": ["i"], "at": [1]})
    with pytest.raises(WarehouseError, match="no usable event: 1 unreadable time"):
        read(house, frame, "log.parquet", time_kind="timestamp")


def test_an_offset_is_added_and_a_bad_one_rejects_its_row_alone(house: Any) -> None:
    """An offset beyond 64 bits stopped the whole ingest; one that is no number counted as none."""
    content = "user,item,at,plus\nu,a,1970-01-02,5\nu,b,1970-01-02,\nu,c,1970-01-02,9223372036854775807\n"
    columns = Columns(user="user", item="item", time="at", offset_ms="plus")
    read(house, content + "u,d,1970-01-02,soon\n", columns=columns, time_kind="timestamp")
    assert house.events() == [("u", "a", 86_400_005_000), ("u", "b", 86_400_000_000)]
    assert house.quarantine() == [("unreadable time", "row", 3), ("unreadable time", "row", 4)]


def test_now_is_not_yet_the_future(house: Any) -> None:
    good, bad = moments(house, ["1800000000", "1800000001"], time_kind="epoch_s")
    assert (set(good), bad) == ({1, 3}, {2: "time in the future"})


# Filters


FILTERED = ["5", "5.0", "10", "view", " view ", "", None, "nan"]


@pytest.mark.parametrize(
    ("operator", "value", "kept"),
    [
        ("=", "5", [0, 1]),
        ("!=", "5", [2, 3, 4, 7]),
        ("<", "10", [0, 1]),
        ("<=", "10.0", [0, 1, 2]),
        (">", "5", [2, 3, 4, 7]),
        (">=", "5", [0, 1, 2, 3, 4, 7]),
        ("=", "view", [3, 4]),
        ("!=", "view", [0, 1, 2, 7]),
        (">", "6", [2, 3, 4, 7]),
        ("in", "5, view", [0, 1, 3, 4]),
        ("not in", "5, view", [2, 7]),
        ("present", "", [0, 1, 2, 3, 4, 7]),
        ("missing", "", [5, 6]),
        ("=", "it's", []),
        ("=", "' OR true --", []),
    ],
)
@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_filters_compare_numbers_as_numbers_and_words_as_text(
    house: Any, operator: Any, value: str, kept: list[int], ending: str
) -> None:
    frame = pl.DataFrame({"user": ["u"] * 8, "item": list("abcdefgh"), "at": range(8), "what": FILTERED})
    last = pl.DataFrame({"user": ["v"], "item": ["kept"], "at": [9], "what": [None]}, schema=frame.schema)
    content: Any = pl.concat([frame, last])
    if ending == "jsonl":
        content = content.write_ndjson()
    one = Filter(column="what", operator=operator, value=value)
    settings = {"filters": (one,)}
    if kept or operator == "missing":
        found = read(house, content, f"log.{ending}", **settings)
        places = [at for _, _, at in house.events() if at < 9]
        # "nan" is a number to DuckDB, above all others
        assert places == [place for place in kept if not (operator in {"<", "<="} and place == 7)]
        assert found.filtered == 9 - len(house.events())
    else:
        with pytest.raises(WarehouseError, match="9 filtered out"):
            read(house, content, f"log.{ending}", **settings)


@pytest.mark.parametrize(
    ("values", "operator", "value", "kept"),
    [
        ([5.0, 6.5, 7.0], "in", "5, 6.5", [0, 1]),
        ([5.0, 6.5, 7.0], "not in", "5", [1, 2]),
        ([True, False, True], "=", "true", [0, 2]),
        ([True, False, True], "!=", "true", [1]),
        ([1, 10, 9], ">", "9", [1]),
        ([date(2020, 1, 1), date(2021, 1, 1), date(2022, 1, 1)], ">=", "2021-01-01", [1, 2]),
    ],
)
def test_filters_on_typed_columns(house: Any, values: list[Any], operator: Any, value: str, kept: list[int]) -> None:
    frame = pl.DataFrame({"user": ["u"] * 3, "item": ["i"] * 3, "at": range(3), "what": values})
    read(house, frame, "log.parquet", filters=(Filter(column="what", operator=operator, value=value),))
    assert [at for _, _, at in house.events()] == kept


def test_all_filters_must_hold(house: Any) -> None:
    filters = (Filter(column="at", operator=">", value="1"), Filter(column="at", operator="<", value="4"))
    found = read(house, HEADER + "".join(f"u,i,{at}\n" for at in range(6)), filters=filters)
    assert [at for _, _, at in house.events()] == [2, 3]
    assert (found.rows, found.events, found.filtered) == (6, 2, 4)


# Damage


def test_malformed_lines_are_counted_and_placed(house: Any) -> None:
    """One short line among the first 20,000 made the whole file unreadable."""
    found = read(house, HEADER + "u\nu,a,1\nu,b\nu,c,3,4,5\nu,d,4\n")
    assert house.events() == [("u", "a", 1), ("u", "d", 4)]
    assert house.quarantine() == [("malformed line", "line", line) for line in (2, 4, 5)]
    assert house.table("quarantine")["raw"][0] == "missing columns: u"
    assert (found.rows, found.quarantined) == (5, {"malformed line": 3})


def test_other_encodings_are_malformed_lines(house: Any) -> None:
    read(house, HEADER.encode() + b"u,caf\xe9,1\nu,tea,2\n")
    assert house.events() == [("u", "tea", 2)]
    assert house.quarantine() == [("malformed line", "line", 2)]


@pytest.mark.parametrize("before", [0, 30_000])
def test_a_cell_of_ten_megabytes_is_a_malformed_line(house: Any, before: int) -> None:
    read(house, HEADER + "u,i,1\n" * before + f"u,{'x' * 10_000_000},1\nu,i,2\n")
    assert len(house.events()) == before + 1
    assert house.quarantine() == [("malformed line", "line", before + 2)]
    assert len(house.table("quarantine")["raw"][0]) < 300


def test_a_damaged_line_of_json_is_rejected_in_its_place(house: Any) -> None:
    read(house, '{"user":"u","item":"i","at":1}\n{oops\n{"user":"u","at":3}\n{"user":5,"item":[1],"at":4}\n', "l.jsonl")
    assert house.events() == [("u", "i", 1), ("5", "[1]", 4)]
    assert house.quarantine() == [("missing item", "row", 3), ("missing user", "row", 2)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.csv", HEADER, "no usable event: it has no rows"),
        ("log.csv", HEADER.strip(), "no usable event: it has no rows"),
        ("log.csv", "a,b,c\n1,2,3\n", r"has no column user, item, at; it has: a, b, c"),
        ("log.csv", "some title\n" + HEADER + "u,i,1\n", "has no column user, item, at; it has: some title"),
        ("log.csv", ",".join(f"c{n}" for n in range(20)) + "\n", r"c11, \.\.\.\. Set --source"),
        ("log.csv", bytes(range(256)) * 200, "cannot be read as csv"),
        ("log.csv", b"\x89PNG\r\n\x1a\n" + b"\x07\x00\xff\x03" * 1_000, "cannot be read as csv"),
        ("log.csv.gz", b"this is not gzip", "cannot be read as csv"),
        ("log.csv.gz", gzip.compress((HEADER + "u,i,1\n" * 9_999).encode())[:-20], "log.csv.gz"),
        ("log.csv", HEADER + 'u,"i,1\n' + "u,i,2\n" * 20, "log.csv"),
        ("log.csv", HEADER + "u,i,soon\n" * 3, "no usable event: 3 unreadable time"),
        ("log.parquet", b"PAR1 and nothing of it", "cannot be read as parquet"),
        ("log.jsonl", bytes(range(256)) * 20, "cannot be read as jsonl"),
        ("log.jsonl", '[{"user":"u","item":"i","at":1}]', "log.jsonl"),
        ("log.jsonl", '{"user":"u","item":"i","at":' + "[" * 100_000 + "]" * 100_000 + "}\n", "recursion depth"),
        ("log.jsonl", '{"a":1}\n', "has no column user, item, at; it has: a"),
    ],
)
def test_what_is_no_log_is_refused_by_name(house: Any, name: str, content: Any, message: str) -> None:
    with pytest.raises(WarehouseError, match=message) as caught:
        read(house, content, name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert house.tree() == {}


def test_a_truncated_parquet_is_refused(house: Any) -> None:
    path = house.write("log.parquet", pl.DataFrame({"user": ["u"] * 999, "item": ["i"] * 999, "at": range(999)}))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WarehouseError, match="cannot be read as parquet"):
        house.ingest("log.parquet")
    assert house.tree() == {}
