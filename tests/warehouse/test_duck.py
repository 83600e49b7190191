"""DuckDB is bounded, in UTC, fetches nothing, and its refusals become sentences."""

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.config import Extraction
from warehouse.duck import connected, file_text, named, streamed, text, translated
from warehouse.errors import WarehouseError


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> object:
    row = connection.execute("SELECT current_setting(?)", [name]).fetchone()
    return row[0] if row else None


def test_a_connection_keeps_to_what_it_may_use(tmp_path: Path) -> None:
    with connected(Extraction(memory_mb=512, threads=3), tmp_path / "spill") as connection:
        assert setting(connection, "threads") == 3
        assert setting(connection, "memory_limit") == "244.1 MiB"  # half of little memory
        assert setting(connection, "temp_directory") == str(tmp_path / "spill")
        assert setting(connection, "TimeZone") == "UTC"
        assert setting(connection, "autoinstall_known_extensions") is False
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("SELECT 1")


def test_arrays_are_left_their_part_of_the_memory(tmp_path: Path) -> None:
    with connected(Extraction(memory_mb=1_200), tmp_path) as connection:
        assert setting(connection, "memory_limit") == "762.9 MiB"  # all but 400 MB


@pytest.mark.parametrize(("most_mb", "limit"), [(256, "244.1 MiB"), (9_000, "762.9 MiB")])
def test_a_part_may_be_smaller_and_not_larger(most_mb: int, limit: str, tmp_path: Path) -> None:
    with connected(Extraction(memory_mb=1_200), tmp_path, most_mb) as connection:
        assert setting(connection, "memory_limit") == limit


def test_what_does_not_fit_spills_into_its_own_folder(tmp_path: Path) -> None:
    with connected(Extraction(memory_mb=512, threads=1), tmp_path / "spill") as connection:
        connection.execute("CREATE TABLE a AS SELECT range::VARCHAR || repeat('x', 100) AS b FROM range(3_000_000)")
        assert list((tmp_path / "spill").iterdir())


def test_refusals_are_one_line_that_says_what_was_done() -> None:
    with pytest.raises(WarehouseError, match=r"^query: Catalog Error: Table with name nothing does not exist!$"), \
            translated("query"):  # fmt: skip
        duckdb.sql("SELECT * FROM nothing")
    with pytest.raises(WarehouseError) as caught, translated("x"):
        raise duckdb.Error("a" * 1_000 + "\nb")
    assert str(caught.value) == "x: " + "a" * 300


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (duckdb.OutOfMemoryException("could not allocate"), r"ran out of memory; raise --extraction.memory-mb"),
        (duckdb.IOException("Could not write: No space left on device"), "no space left on the device; free space"),
    ],
)
def test_what_can_be_mended_says_how(error: duckdb.Error, message: str) -> None:
    with pytest.raises(WarehouseError, match=message), translated("extraction"):
        raise error


def test_rows_are_streamed_in_order(tmp_path: Path) -> None:
    with connected(Extraction(), tmp_path) as connection:
        batches = list(streamed(connection.sql("SELECT range AS i FROM range(5_000)"), 2_048))
        assert [len(batch) for batch in batches] == [2_048, 2_048, 904]
        assert [row for batch in batches for row in batch["i"].to_pylist()] == list(range(5_000))


def test_what_fails_in_the_middle_of_a_stream_is_a_sentence_too(tmp_path: Path) -> None:
    query = "SELECT CASE WHEN range < 400_000 THEN 1 ELSE error('it broke') END AS i FROM range(500_000)"
    with (
        connected(Extraction(threads=1), tmp_path) as connection,
        pytest.raises(WarehouseError, match=r"^a log: .*it broke"),
        translated("a log"),
    ):
        list(streamed(connection.sql(query), 2_048))


def test_a_stream_that_runs_out_of_memory_says_what_to_do(tmp_path: Path) -> None:
    with connected(Extraction(memory_mb=512, threads=1), tmp_path / "spill") as connection:
        connection.execute("SET max_temp_directory_size = '1MB'")
        large = connection.sql("SELECT range AS i, repeat('x', 200) FROM range(2_000_000) ORDER BY hash(i)")
        with pytest.raises(WarehouseError, match=r"ran out of memory; raise --extraction.memory-mb"), translated("x"):
            list(streamed(large, 2_048))


no_nul = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(no_nul, no_nul)
def test_names_and_texts_are_quoted_whatever_they_hold(name: str, value: str) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"SELECT {text(value)} AS {named(name)}")
        assert connection.description is not None
        assert connection.description[0][0] == name
        assert connection.fetchall() == [(value,)]


@pytest.mark.parametrize("name", ["a[1].parquet", "a*b.parquet", "a?.parquet", "it's.parquet", "[!x] ü.parquet"])
def test_a_file_is_never_a_pattern(tmp_path: Path, name: str) -> None:
    for other in ("a1.parquet", "aXb.parquet", "ab.parquet"):
        duckdb.sql(f"COPY (SELECT 'other' AS a) TO {text(str(tmp_path / other))}")
    duckdb.sql(f"COPY (SELECT 'itself' AS a) TO {text(str(tmp_path / name))}")
    assert duckdb.sql(f"SELECT * FROM read_parquet([{file_text(tmp_path / name)}])").fetchall() == [("itself",)]
