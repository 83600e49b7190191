"""One raw file to a stream of parsed rows, each either an event or a row with the reason it is none.

The SQL is made here from typed settings; names and texts are quoted, values that a user typed are parameters.
"""

import glob
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.config import Filter, Format, TimeKind
from warehouse.duck import named, streamed, text, translated
from warehouse.errors import WarehouseError
from warehouse.sources import Log, format_of

LONGEST_ID = 1_000
"""Characters of a user's or an item's id; a longer one is a damaged row."""
_TOLERANT = "ignore_errors=true, max_line_size=32000000, buffer_size=64000000"
"""How a text file's columns are found: damaged lines must not decide, they are counted when all is read."""
_YEAR_ONE_US = -62_135_596_800_000_000
"""Times before year 1 are not dates of events; no calendar here shows them."""
_MICROSECONDS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
_ROWS_A_BATCH = 122_880


def parse(connection: duckdb.DuckDBPyConnection, path: Path, log: Log, now_us: int) -> Iterator[pa.RecordBatch]:
    """Yield a raw file's rows in its order: user, item, moment, event_type, row, reason, raw.

    ``moment`` is microseconds since 1970 UTC, or the plain order; ``row`` counts data rows from 1. The file is read
    once, as the rows are asked for.

    Raises
    ------
    WarehouseError
        If the file is not what the source says: its format, its columns, or its encoding.
    """
    kind, delimiter = format_of(path, log)
    with translated(f"{path} cannot be read as {kind}"):
        columns = _columns(connection, path, log, kind, delimiter)
        _refuse_missing(path, log, columns)
        query = _query(log, kind, delimiter, columns)
        values = [filter_.value for filter_ in log.filters if _has_value(filter_)]
        parameters = [*values, now_us, glob.escape(str(path))]
        yield from streamed(connection.sql(query, params=parameters), _ROWS_A_BATCH)


def malformed_lines(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str]]:
    """Return (line, what is wrong, its beginning) for the lines of the last text file that are no rows at all."""
    known = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'rejected'").fetchone()
    if not known or not known[0]:
        return []
    found = connection.execute(
        "SELECT line, lower(any_value(error_type::VARCHAR)), left(any_value(csv_line), 200)"
        " FROM rejected GROUP BY line ORDER BY line"
    ).fetchall()
    connection.execute("DROP TABLE rejected; DROP TABLE rejected_scans")
    return found


def _columns(
    connection: duckdb.DuckDBPyConnection, path: Path, log: Log, kind: Format, delimiter: str | None
) -> dict[str, str]:
    """Return the file's columns and their types."""
    scan = _scan(log, kind, delimiter, None)
    described = connection.execute(f"DESCRIBE SELECT * FROM {scan}", [glob.escape(str(path))]).fetchall()
    return {row[0]: row[1] for row in described}


def _scan(log: Log, kind: Format, delimiter: str | None, columns: list[str] | None) -> str:
    """Return the table function that reads the file given as the first parameter."""
    if kind == "parquet":
        return "read_parquet(?, file_row_number=true)"
    if kind == "jsonl":
        typed = ", ".join(f"{text(name)}: 'VARCHAR'" for name in columns or [])
        schema = f", columns={{{typed}}}" if columns else ", maximum_depth=1, records=true"
        return f"read_json(?, format='newline_delimited', ignore_errors=true{schema})"
    options = [f"header={str(log.header).lower()}", "all_varchar=true"]
    if delimiter:
        options += [f"delim={text(delimiter)}", "quote='\"'", "escape='\"'"]
    if columns is None:
        options.append(_TOLERANT)
        if log.column_names and not log.header:
            options.append(f"names=[{', '.join(text(name) for name in log.column_names)}]")
    else:
        typed = ", ".join(f"{text(name)}: 'VARCHAR'" for name in columns)
        options += [f"columns={{{typed}}}", f"auto_detect={str(not delimiter).lower()}"]
        options += ["store_rejects=true", "rejects_table='rejected'", "rejects_scan='rejected_scans'"]
    return f"read_csv(?, {', '.join(options)})"


def _wanted(log: Log) -> list[str]:
    mapped = [log.user, log.item, log.time, log.event_type, log.offset_ms]
    return list(dict.fromkeys([*(name for name in mapped if name), *(one.column for one in log.filters)]))


def _refuse_missing(path: Path, log: Log, columns: dict[str, str]) -> None:
    missing = [name for name in _wanted(log) if name not in columns]
    if missing:
        shown = ", ".join(list(columns)[:12]) + (", ..." if len(columns) > 12 else "")
        message = f"{path} has no column {', '.join(missing)}; it has: {shown}. Set --source.columns.*"
        raise WarehouseError(message)


def _query(log: Log, kind: Format, delimiter: str | None, columns: dict[str, str]) -> str:
    """Return the parsing query. Grain: one row per row of the raw file, in its order."""
    row = "file_row_number + 1" if kind == "parquet" else "row_number() OVER ()"
    kept = " AND ".join(_holds(one, columns[one.column]) for one in log.filters) or "true"
    event_type = f"{named(log.event_type)}::VARCHAR" if log.event_type else "NULL::VARCHAR"
    said = ", ".join(f"{text(name)}: {named(name)}" for name in (log.user, log.item, log.time))
    raw = ", ".join(f"{text(name)}: said[{text(name)}]::VARCHAR" for name in (log.user, log.item, log.time))
    future = "false" if log.time_kind == "order" else "moment > now_us"
    unreadable = "moment IS NULL" if log.time_kind == "order" else f"moment IS NULL OR moment < {_YEAR_ONE_US}"
    return f"""
        WITH read AS (
            SELECT {_id(log.user, columns)} AS user_id, {_id(log.item, columns)} AS item_id,
                   {_time(log, columns)} AS moment, {event_type} AS event_type, {row} AS row,
                   coalesce({kept}, false) AS kept, ?::BIGINT AS now_us, {{{said}}} AS said
            FROM {_scan(log, kind, delimiter, _wanted(log) if kind == "jsonl" else list(columns))}
        ), judged AS (
            SELECT *, CASE
                WHEN NOT kept THEN 'filtered'
                WHEN user_id IS NULL THEN 'missing user'
                WHEN item_id IS NULL THEN 'missing item'
                WHEN length(user_id) > {LONGEST_ID} THEN 'user too long'
                WHEN length(item_id) > {LONGEST_ID} THEN 'item too long'
                WHEN {unreadable} THEN 'unreadable time'
                WHEN {future} THEN 'time in the future'
            END AS reason FROM read
        )
        SELECT CASE WHEN reason IS NULL THEN user_id END AS user, CASE WHEN reason IS NULL THEN item_id END AS item,
               moment, event_type, row, reason,
               CASE WHEN reason != 'filtered' THEN left({{{raw}}}::JSON::VARCHAR, {3 * LONGEST_ID}) END AS raw
        FROM judged"""


def _id(column: str, columns: dict[str, str]) -> str:
    """Return an id as text: whole floats without their point, blanks as missing."""
    name = named(column)
    if columns[column] in {"DOUBLE", "FLOAT"}:
        whole = f"CASE WHEN {name} = floor({name}) THEN TRY_CAST({name} AS HUGEINT)::VARCHAR END"
        return f"CASE WHEN isfinite({name}) THEN coalesce({whole}, {name}::VARCHAR) END"
    return f"nullif(trim({name}::VARCHAR), '')"


def _time(log: Log, columns: dict[str, str]) -> str:
    at = _instant(named(log.time), log.time_kind, columns[log.time])
    if log.offset_ms:
        offset = named(log.offset_ms)
        added = f"CASE WHEN {_blank(offset)} THEN 0 ELSE TRY_CAST({offset} AS BIGINT) * 1000 END"
        at = f"TRY({at} + {added})"
    return at


def _instant(name: str, kind: TimeKind, type_: str) -> str:
    """Return a time as microseconds since 1970 UTC, or the plain order, as BIGINT; NULL where unreadable."""
    if kind == "order":
        number = f"TRY_CAST({name} AS DOUBLE)"
        return f"CASE WHEN {number} = floor({number}) THEN TRY_CAST({name} AS BIGINT) END"
    if kind in _MICROSECONDS:
        return f"TRY_CAST(round(TRY_CAST({name} AS DOUBLE) * {_MICROSECONDS[kind]}) AS BIGINT)"
    if type_ in {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}:
        return f"CASE WHEN isfinite({name}) THEN epoch_us({name}::TIMESTAMP) END"
    instant = f"TRY_CAST({name} AS TIMESTAMPTZ)"
    return f"CASE WHEN isfinite({instant}) THEN epoch_us({instant}) END"


def _has_value(filter_: Filter) -> bool:
    return filter_.operator not in {"present", "missing"}


def _holds(filter_: Filter, type_: str) -> str:
    """Return a filter as SQL over one parameter: two numbers compare as numbers, all else as text."""
    name, operator = named(filter_.column), filter_.operator
    if operator in {"present", "missing"}:
        return _blank(name) if operator == "missing" else f"NOT {_blank(name)}"
    number = "NULL::DOUBLE" if type_ == "BOOLEAN" else f"TRY_CAST({name} AS DOUBLE)"

    def compared(sign: str, value: str) -> str:
        words = f"nullif(trim({name}::VARCHAR), '')"
        return f"coalesce({number} {sign} TRY_CAST({value} AS DOUBLE), {words} {sign} {value})"

    if operator in {"in", "not in"}:
        inside = f"list_bool_or(list_transform(string_split(?, ','), lambda part: {compared('=', 'trim(part)')}))"
        return inside if operator == "in" else f"NOT {inside}"
    return f"list_transform([?], lambda value: {compared(operator, 'trim(value)')})[1]"


def _blank(name: str) -> str:
    return f"({name} IS NULL OR trim({name}::VARCHAR) = '')"
