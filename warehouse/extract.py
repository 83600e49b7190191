"""Events to flat arrays, ordered by user, time and place in the source, whatever their number.

DuckDB does the joins and the one large sort within its memory limit and spills beyond; the result is streamed
to disk and memory-mapped. Legend: E events kept, U users, I items of the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from warehouse.config import Dataset, Extraction, cut_of
from warehouse.duck import connected, file_text, streamed, translated
from warehouse.errors import WarehouseError
from warehouse.flat import written

_ROWS_A_BATCH = 122_880
_STRETCH_BITS = 12
"""A log's time is divided into some thousands of stretches to find a place in it."""
_LAST_TIME = 2**63 - 1
_PLACE = "file_index::BIGINT * (1::BIGINT << 40) + row"
"""Where an event is in its source: one number, for a sort by two is a third slower."""


@dataclass(frozen=True)
class Cuts:
    """T1 and T2 as the log's times: microseconds since 1970 UTC, or plain order. None for leave-one-out."""

    train_until: int | None
    validation_until: int | None


@dataclass(frozen=True)
class FlatLog:
    """All events kept, in order; items and users as codes from 0 in the order of their ids."""

    items: NDArray[np.int32]  # E
    users: NDArray[np.int32]  # E
    times: NDArray[np.int64]  # E
    item_ids: pa.Array  # I, text
    user_ids: pa.Array  # U, text
    item_hashes: NDArray[np.uint64]  # I, stable over logs and versions
    user_hashes: NDArray[np.uint64]  # U
    item_text_ranks: NDArray[np.int32]  # I, the order of ids as text (codes order whole numbers as numbers)
    cuts: Cuts
    events_in_log: int


def extract(batches: Sequence[Path], time_kind: str, config: Dataset, extraction: Extraction, work: Path) -> FlatLog:
    """Filter, code and order the events of some ingested batches; arrays are files in ``work``.

    Raises
    ------
    WarehouseError
        If a cut is a date where times are a plain order, or nothing is left.
    """
    with translated("extraction"), connected(extraction, work / "spill") as connection:
        files = ", ".join(file_text(path / "events.parquet") for path in batches)
        connection.execute(
            f"CREATE TEMP VIEW log AS SELECT user, item, moment, {_PLACE} AS place FROM read_parquet([{files}])"
        )
        events = int(_scalar(connection, "SELECT count(*) FROM log"))
        cuts = _cuts(connection, events, time_kind, config)
        _code_items(connection, config, cuts)
        _code_users(connection, config)
        items, users, times = _order(connection, work)
        _refuse_nothing(events, len(items), config)
        item_ids, item_hashes, ranks = _columns(connection, "SELECT item, hash, text_rank FROM items ORDER BY code")
        user_ids, user_hashes = _columns(connection, "SELECT user, hash FROM users ORDER BY code")
    return FlatLog(
        items, users, times, item_ids, user_ids, item_hashes.to_numpy(), user_hashes.to_numpy(), ranks.to_numpy(),
        cuts, events,
    )  # fmt: skip


def time_text(at: int | None, time_kind: str) -> str | None:
    """Return a log's time for people: ISO 8601 in UTC, or the order's number."""
    if at is None:
        return None
    if time_kind == "order":
        return str(at)
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="seconds")


def _cuts(connection: duckdb.DuckDBPyConnection, events: int, time_kind: str, config: Dataset) -> Cuts:
    if config.split.kind == "leave_one_out":
        return Cuts(None, None)
    first, second = (
        _cut(connection, events, time_kind, cut) for cut in (config.split.train_until, config.split.validation_until)
    )
    if first >= second:
        at = time_text(first, time_kind)
        message = (
            f"train_until ({config.split.train_until}) and validation_until ({config.split.validation_until}) fall on"
            f" {at} and {time_text(second, time_kind)}: nothing is between them. Times may be all equal; choose other"
            " cuts, or --dataset.split.kind leave_one_out"
        )
        raise WarehouseError(message)
    return Cuts(first, second)


def _cut(connection: duckdb.DuckDBPyConnection, events: int, time_kind: str, said: str) -> int:
    """Return a cut as a time: the date said, or the time of the event at that share of the log."""
    cut = cut_of(said)
    if isinstance(cut, datetime):
        if time_kind == "order":
            message = f"a cut by date ({said}) needs times; this log has a plain order. Give a share such as 0.9"
            raise WarehouseError(message)
        return round(cut.timestamp() * 1e6)
    return _time_at(connection, min(int(cut * events), events - 1))


def _time_at(connection: duckdb.DuckDBPyConnection, place: int) -> int:
    """Return the time at a place in time order: counts by stretch of time find the one that has to be sorted."""
    first, last = connection.execute("SELECT min(moment), max(moment) FROM log").fetchall()[0]
    stretch = f"moment >> {max((last - first).bit_length() - _STRETCH_BITS, 0)}"
    found, before = connection.execute(f"""
        WITH stretches AS (SELECT {stretch} AS stretch, count(*) AS events FROM log GROUP BY ALL),
        summed AS (SELECT stretch, events, sum(events) OVER (ORDER BY stretch) AS until FROM stretches)
        SELECT stretch, until - events FROM summed WHERE until > {place} ORDER BY stretch LIMIT 1""").fetchall()[0]
    within = f"SELECT moment FROM log WHERE {stretch} = {found} ORDER BY moment LIMIT 1 OFFSET {place - int(before)}"
    return int(_scalar(connection, within))


def _code_items(connection: duckdb.DuckDBPyConnection, config: Dataset, cuts: Cuts) -> None:
    """Grain: one row per item kept. Whole numbers are ordered as numbers, before all other ids."""
    until = _LAST_TIME if cuts.train_until is None else cuts.train_until
    least = config.min_item_count or 1
    having = f"HAVING count(*) FILTER (WHERE moment < {until}) >= {least}" if least > 1 else ""
    connection.execute(f"""
        CREATE TEMP TABLE items AS
        SELECT item, md5_number_lower(item) AS hash,
               (row_number() OVER (ORDER BY TRY_CAST(item AS BIGINT) NULLS LAST, item) - 1)::INTEGER AS code,
               (row_number() OVER (ORDER BY item) - 1)::INTEGER AS text_rank
        FROM (SELECT item FROM log GROUP BY item {having})""")


def _code_users(connection: duckdb.DuckDBPyConnection, config: Dataset) -> None:
    """Grain: one row per user with enough events of items kept."""
    connection.execute(f"""
        CREATE TEMP TABLE users AS
        SELECT user, md5_number_lower(user) AS hash, (row_number() OVER (ORDER BY user) - 1)::INTEGER AS code
        FROM (SELECT user FROM log SEMI JOIN items USING (item) GROUP BY user
              HAVING count(*) >= {config.min_user_events})""")


def _order(connection: duckdb.DuckDBPyConnection, work: Path) -> list[NDArray[Any]]:
    """Sort the events and stream them to three files. Grain: one row per event kept."""
    ordered = connection.sql("""
        SELECT items.code AS item, users.code AS user, log.moment
        FROM log JOIN items USING (item) JOIN users USING (user)
        ORDER BY users.code, log.moment, log.place""")
    batches = streamed(ordered, _ROWS_A_BATCH)
    types = {"items": np.int32, "users": np.int32, "times": np.int64}
    return written(work, types, (tuple(column.to_numpy() for column in batch.columns) for batch in batches))


def _columns(connection: duckdb.DuckDBPyConnection, query: str) -> list[pa.Array]:
    return [column.combine_chunks() for column in connection.sql(query).to_arrow_table().columns]


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _refuse_nothing(events: int, kept: int, config: Dataset) -> None:
    if kept == 0:
        message = (
            f"none of the log's {events:,} events is left after min_item_count={config.min_item_count or 1} and"
            f" min_user_events={config.min_user_events}; lower them"
        )
        raise WarehouseError(message)
