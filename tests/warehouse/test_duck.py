"""DuckDB is bounded, in UTC, fetches nothing, and its refusals become sentences."""

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.config import Extraction
from warehouse.duck import connected, file_text, named, text, translated
from warehouse.errors import WarehouseError


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> object:
    row = connection.execute("SELECT current_setting(?)", [name]).fetchone()
    return row[0] if row else None


def test_a_connection_keeps_to_what_it_may_use(tmp_path: Path) -> None:
    with connected(Extraction(memory_mb=512, threads=3), tmp_path / "spill") as connection:
        assert setting(connection, "threads") == 3
        assert setting(connection, "memory_limit") == "488.2 MiB"
        assert setting(connection, "temp_directory") == str(tmp_path / "spill")
        assert setting(connection, "TimeZone") == "UTC"
        assert setting(connection, "autoinstall_known_extensions") is False
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("SELECT 1")


def test_what_does_not_fit_spills_into_its_own_folder(tmp_path: Path) -> None:
    with connected(Extraction(memory_mb=256, threads=1), tmp_path / "spill") as connection:
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
