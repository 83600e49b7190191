"""The store as SQL: views in an in-memory DuckDB, read-only, over what is whole.

A view is made only if the query names it. Reading outside the store, writing and settings are refused.
"""

import glob
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.champions import CHAMPION_COLUMNS, champion_rows
from warehouse.config import Extraction
from warehouse.duck import connected, file_text, text, translated
from warehouse.errors import WarehouseError
from warehouse.runs import SCHEMAS
from warehouse.splits import SPLITS
from warehouse.store import Store, read_json
from warehouse.studies import ARM_COLUMNS
from warehouse.verdict_views import STUDY_COLUMNS, VERDICT_COLUMNS, checked_json, study_row, verdict_rows

_Made = TypeVar("_Made")

VIEWS = (
    "events",
    "quarantine",
    "datasets",
    "windows",
    "runs",
    *SCHEMAS,
    "studies",
    "study_arms",
    "verdicts",
    "champions",
)
"""What can be asked."""

_RUN_COLUMNS = {
    "run_id": pa.string(), "dataset_id": pa.string(), "source": pa.string(), "size": pa.string(), "seed": pa.int64(),
    "arm": pa.string(), "status": pa.string(), "stopped_at": pa.int64(), "started_at": pa.string(),
    "wall_s": pa.float64(), "samples_per_s": pa.float64(), "device": pa.string(), "kept_step": pa.int64(),
    "best_validation_hr": pa.float64(), "best_validation_loss": pa.float64(), "test_hr": pa.float64(),
    "popularity_hr": pa.float64(), "successor_hr": pa.float64(), "verdict": pa.string(),
    "is_issue": pa.string(), "config": pa.string(),
}  # fmt: skip
_DATASET_COLUMNS = {
    "dataset_id": pa.string(), "source": pa.string(), "size": pa.string(), "created_at": pa.string(),
    "train": pa.int64(), "validation": pa.int64(), "test": pa.int64(), "events": pa.int64(), "items": pa.int64(),
    "users": pa.int64(), "t1": pa.string(), "t2": pa.string(), "ties": pa.string(), "hash": pa.string(),
    "config": pa.string(),
}  # fmt: skip
_ARROW: dict[type[pl.DataType], pa.DataType] = {
    pl.Int64: pa.int64(), pl.Int32: pa.int32(), pl.Float64: pa.float64(), pl.Float32: pa.float32(),
    pl.String: pa.string(),
}  # fmt: skip
_EMPTY = {
    "events": "NULL::VARCHAR AS source, NULL::VARCHAR AS user, NULL::VARCHAR AS item, NULL::TIMESTAMP AS time,"
    " NULL::BIGINT AS moment, NULL::VARCHAR AS event_type",
    "quarantine": "NULL::VARCHAR AS source, NULL::VARCHAR AS file, NULL::VARCHAR AS reason, NULL::VARCHAR AS place,"
    " NULL::BIGINT AS number, NULL::VARCHAR AS raw",
    "windows": "NULL::VARCHAR AS dataset_id, NULL::VARCHAR AS split, NULL::VARCHAR AS user, NULL::BIGINT AS moment,"
    " NULL::VARCHAR[] AS history, NULL::VARCHAR AS target",
}


@contextmanager
def answered(store: Store, query: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Run one SELECT over the store's views; fetch from the connection that is yielded.

    Raises
    ------
    WarehouseError
        If the query is not one SELECT, or DuckDB refuses it.
    """
    with translated("query"), connected(Extraction(), store.root / "work" / "spill") as connection:
        _refuse_other_than_select(query)
        for name in _named_in(query):
            _create(connection, store, name)
        inside = f"{store.root}/"  # and its spelling as a pattern, which is how files are given to DuckDB
        connection.execute(f"SET allowed_directories = [{text(inside)}, {text(glob.escape(inside))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.execute(query)
        yield connection


def _named_in(query: str) -> list[str]:
    """Return the views whose name stands in a query as a word: at least those that it reads."""
    words = set(re.findall(r"\w+", query.lower()))
    return [name for name in VIEWS if name in words]


def _refuse_other_than_select(query: str) -> None:
    statements = duckdb.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:  # EXPLAIN ANALYZE COPY writes
        message = f"give one SELECT over {', '.join(VIEWS)}; the store is read-only here"
        raise WarehouseError(message)


def _create(connection: duckdb.DuckDBPyConnection, store: Store, name: str) -> None:
    if name in _AS_ROWS:
        rows_of, columns = _AS_ROWS[name]
        connection.register(name, pa.Table.from_pylist(rows_of(store), schema=pa.schema(list(columns.items()))))
    elif name == "study_arms":
        files = [folder / "arms.parquet" for folder in _folders(store, "studies", "DONE")]
        _tables(connection, name, files, ARM_COLUMNS)
    elif name == "windows":
        parts = _of_each(store, "datasets", "manifest.json", lambda folder: _register_windows(connection, folder))
        _union(connection, name, [part for folder in parts for part in folder])
    elif name in {"events", "quarantine"}:
        make = _events if name == "events" else _quarantine
        parts = _of_each(store, "events", "manifest.json", make)
        _union(connection, name, [part for source in parts for part in source])
    else:
        _create_run_table(connection, store, name)


def _create_run_table(connection: duckdb.DuckDBPyConnection, store: Store, name: str) -> None:
    tables = (folder / f"{name}.parquet" for folder in _folders(store, "runs", "DONE"))
    files = [path for path in tables if path.is_file()]  # a run of an older version may lack a table
    columns = {column: _ARROW[type_] for column, type_ in SCHEMAS[name].items()}  # type: ignore[index]
    _tables(connection, name, files, {"run_id": pa.string(), **columns})


def _tables(
    connection: duckdb.DuckDBPyConnection, name: str, files: list[Path], columns: Mapping[str, pa.DataType]
) -> None:
    """Make a view over Parquet files, or an empty one with their columns."""
    if files:
        listed = ", ".join(file_text(path) for path in files)
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}], union_by_name=true)")
        return
    connection.register(name, pa.table({column: pa.array([], type_) for column, type_ in columns.items()}))


def _folders(store: Store, kind: str, whole: str) -> list[Path]:
    """Return the published folders of a kind: those that have the file which says that they are whole."""
    return sorted(path.parent for path in (store.root / kind).glob(f"*/{whole}"))


def _of_each(store: Store, kind: str, whole: str, make: Callable[[Path], _Made]) -> list[_Made]:
    """Make something of every published folder of a kind; a damaged one is named."""
    made = []
    for folder in _folders(store, kind, whole):
        try:
            made.append(make(folder))
        except (EOFError, KeyError, OSError, ValueError) as error:
            message = f"{folder} is damaged ({error}); remove it and ask again"
            raise WarehouseError(message) from error
    return made


def _union(connection: duckdb.DuckDBPyConnection, name: str, parts: list[str]) -> None:
    query = " UNION ALL ".join(parts) or f"SELECT {_EMPTY[name]} WHERE false"
    connection.execute(f"CREATE VIEW {name} AS {query}")


def _events(folder: Path) -> list[str]:
    """Grain: one row per event of a source's current batches."""
    manifest = read_json(folder / "manifest.json")
    files = [folder / batch["batch"] / "events.parquet" for batch in manifest["batches"]]
    time = "NULL::TIMESTAMP" if manifest["time_kind"] == "order" else "make_timestamp(moment)"
    listed = ", ".join(file_text(path) for path in files)
    return [
        f"SELECT {text(manifest['source'])} AS source, user, item, {time} AS time, moment, event_type"
        f" FROM read_parquet([{listed}])"
    ]


def _quarantine(folder: Path) -> list[str]:
    """Grain: one row per row of a raw file that could not be an event."""
    manifest = read_json(folder / "manifest.json")
    return [
        f"SELECT {text(manifest['source'])} AS source, {text(batch['path'])} AS file, reason, place, number, raw"
        f" FROM read_parquet({file_text(folder / batch['batch'] / 'quarantine.parquet')})"
        for batch in manifest["batches"]
    ]


def _register_windows(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    """Register a dataset's windows without copying them: histories are overlapping views of one array."""
    manifest = read_json(folder / "manifest.json")
    items, users, times = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("items", "users", "times"))
    item_ids = pa.concat_arrays(
        [pa.array([None], pa.string()), *pq.read_table(folder / "items.parquet").column("item").chunks]
    )
    shown = pa.DictionaryArray.from_arrays(pa.array(items), item_ids)
    user_ids = pq.read_table(folder / "users.parquet").column("user").combine_chunks()
    parts = []
    for split in SPLITS:
        ends = np.load(folder / f"{split}_ends.npy", mmap_mode="r")
        lengths = np.load(folder / f"{split}_lengths.npy", mmap_mode="r").astype(np.int64)
        table = pa.table({
            "user": pa.DictionaryArray.from_arrays(pa.array(users[ends]), user_ids),
            "moment": pa.array(times[ends]),
            "history": pa.LargeListViewArray.from_arrays(pa.array(ends - lengths), pa.array(lengths), shown),
            "target": pa.DictionaryArray.from_arrays(pa.array(items[ends]), item_ids),
        })  # fmt: skip
        name = f"windows_{manifest['dataset_id']}_{split}"
        connection.register(name, table)
        parts.append(f"SELECT {text(manifest['dataset_id'])} AS dataset_id, {text(split)} AS split, * FROM {name}")
    return parts


def _runs(store: Store) -> list[dict[str, Any]]:
    return _of_each(store, "runs", "DONE", _run)


def _run(folder: Path) -> dict[str, Any]:
    return _flat(checked_json(folder / "run.json"), _RUN_COLUMNS)


def _studies(store: Store) -> list[dict[str, Any]]:
    return _of_each(store, "studies", "DONE", lambda folder: _flat(study_row(folder), STUDY_COLUMNS))


def _verdicts(store: Store) -> list[dict[str, Any]]:
    found = [
        row for kind in ("runs", "studies") for rows in _of_each(store, kind, "DONE", verdict_rows) for row in rows
    ]
    return [_flat(row, VERDICT_COLUMNS) for row in found]


def _datasets(store: Store) -> list[dict[str, Any]]:
    return _of_each(store, "datasets", "manifest.json", _dataset)


def _dataset(folder: Path) -> dict[str, Any]:
    one = read_json(folder / "manifest.json")
    facts = {**one, **one["counts"], **one["counts"]["windows"], **one["cuts"], "ties": one["ties"]["choice"]}
    return _flat(facts, _DATASET_COLUMNS)


def _flat(facts: dict[str, Any], columns: dict[str, pa.DataType]) -> dict[str, Any]:
    """Return the columns' values; what is nested becomes JSON text."""
    values = {name: facts.get(name) for name in columns}
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in values.items()}


_AS_ROWS: dict[str, tuple[Callable[[Store], list[dict[str, Any]]], dict[str, pa.DataType]]] = {
    "runs": (_runs, _RUN_COLUMNS),
    "datasets": (_datasets, _DATASET_COLUMNS),
    "studies": (_studies, STUDY_COLUMNS),
    "verdicts": (_verdicts, VERDICT_COLUMNS),
    "champions": (champion_rows, CHAMPION_COLUMNS),
}
