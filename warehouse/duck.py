"""DuckDB, opened one way: in memory, bounded, spilling where it is told to, in UTC, fetching no extensions."""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.config import Extraction
from warehouse.errors import WarehouseError

_APART_MB = 400
"""What Python, its libraries and the arrays worked on need of the memory; of little memory, at most half."""


@contextmanager
def connected(extraction: Extraction, spill: Path, most_mb: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that keeps to the given threads, to its part of the memory or less, and spills to a folder."""
    part_mb = max(extraction.memory_mb - _APART_MB, extraction.memory_mb // 2)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{min(part_mb, most_mb or part_mb)}MB",
        "threads": extraction.threads or os.cpu_count() or 1,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        yield connection


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what DuckDB refuses into a sentence that says what was being done and what helps.

    Raises
    ------
    WarehouseError
        In place of any DuckDB error.
    """
    try:
        yield
    except duckdb.Error as error:
        words = str(error).strip().splitlines()[0][:300]
        if isinstance(error, duckdb.OutOfMemoryException) or words.startswith("Out of Memory"):
            message = f"{what}: DuckDB ran out of memory; raise --extraction.memory-mb ({words})"
        elif "No space left" in str(error):
            message = f"{what}: no space left on the device; free space or choose another folder with --store"
        else:
            message = f"{what}: {words}"
        raise WarehouseError(message) from error


def streamed(relation: duckdb.DuckDBPyRelation, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a relation's rows in batches, in order, none of them kept.

    Raises
    ------
    duckdb.Error
        For what DuckDB refuses on the way, which Arrow would report as an error of its own.
    """
    reader = relation.to_arrow_reader(rows)
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (OSError, pa.ArrowException) as error:
            raise duckdb.Error(str(error)) from error
        yield batch


def named(column: str) -> str:
    """Return a column's name quoted for SQL, whatever characters it has."""
    return '"' + column.replace('"', '""') + '"'


def file_text(path: Path) -> str:
    """Return a file's path as a text literal for SQL; DuckDB would take [, * and ? in a name for a pattern."""
    return text(glob.escape(str(path)))


def text(value: str) -> str:
    """Return a text literal for SQL."""
    return "'" + value.replace("'", "''") + "'"
