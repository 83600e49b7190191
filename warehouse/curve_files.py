"""Curves that people have, as one tidy frame: one row per value, with its run, step, epoch and name.

CSV (also with semicolons or tabs), Parquet, JSON lines, a JSON document (a list of rows, or Hugging Face's
`trainer_state.json`) and TensorBoard event files, told apart by content. Tables may be wide (a column a metric,
rows sparse as Lightning writes them, or with a run's name before each metric as W&B exports them) or long (a
column of names, as MLflow exports them and as this store's own curve points are).

Nothing larger than `warehouse.curve_limits` is read.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.curve_json import read_json_rows
from warehouse.curve_limits import MOST_BYTES, MOST_VALUES, lines_of, refuse_long, refuse_wide
from warehouse.curve_names import CurveColumns, roles_of
from warehouse.curve_tables import TIDY, tidied, with_epochs
from warehouse.errors import WarehouseError
from warehouse.event_file import is_event_file, read_scalars

_START = 64 * 1024


@dataclass(frozen=True)
class CurveFile:
    """What a file holds."""

    values: pl.DataFrame  # of the schema TIDY, in the file's order
    roles: dict[str, str]  # from role to the name that plays it


def read_curves_file(path: Path, columns: CurveColumns) -> CurveFile:
    """Read a file of curves.

    Raises
    ------
    WarehouseError
        If it is none: missing, empty, no known format, damaged, too large, or without a numeric column.
    """
    if not path.is_file():
        message = f"{path}: no such file"
        raise WarehouseError(message)
    size = path.stat().st_size
    if size == 0 or size > MOST_BYTES:
        message = f"{path} is empty" if size == 0 else f"{path} is larger than {MOST_BYTES // 1024**2} MB"
        raise WarehouseError(message)
    with path.open("rb") as file:
        start = file.read(_START)
    values = _read(path, start, columns)
    if values.height == 0:
        message = f"{path} holds no numeric column beside step and epoch"
        raise WarehouseError(message)
    counts = {name: int(count) for name, count in values.group_by("name", maintain_order=True).len().rows()}
    try:
        roles = roles_of(counts, columns)
    except WarehouseError as error:
        message = f"{path}: {error}"
        raise WarehouseError(message) from error
    if not roles.keys() - {"lr", "grad_norm"}:
        shown = ", ".join(list(counts)[:12]) + (", ..." if len(counts) > 12 else "")
        message = f"{path} has no column that looks like a loss or a hit ratio; set --columns.*. It has: {shown}"
        raise WarehouseError(message)
    return CurveFile(values, roles)


def _read(path: Path, start: bytes, columns: CurveColumns) -> pl.DataFrame:
    if start.startswith(b"PAR1"):
        return tidied(path, _parquet(path), columns)
    if is_event_file(start):
        return with_epochs(_events(path), columns)
    if b"\0" in start:
        message = f"{path} is neither text, Parquet nor a TensorBoard event file"
        raise WarehouseError(message)
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first in {b"{", b"["}:
        return tidied(path, read_json_rows(path), columns)
    return tidied(path, _csv(path), columns)


def _parquet(path: Path) -> pl.DataFrame:
    try:
        file = pq.ParquetFile(path)
        facts = file.metadata
        refuse_wide(path, facts.num_columns)
        unpacked = sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups))
        if unpacked > MOST_BYTES or facts.num_rows > MOST_VALUES:
            message = f"{path} unpacks to more than {MOST_BYTES // 1024**2} MB or {MOST_VALUES:,} rows"
            raise WarehouseError(message)
        table = file.read([field.name for field in file.schema_arrow if _is_simple(field.type)])
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # Polars panics over some damaged files
        message = f"{path} cannot be read as Parquet; it is damaged or cut off"
        raise WarehouseError(message) from error
    return pl.DataFrame(table)


def _is_simple(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_simple(kind.value_type)
    tests = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_string,
        pa.types.is_large_string,
    )
    return any(test(kind) for test in tests)


def _events(path: Path) -> pl.DataFrame:
    rows: list[tuple[str, int, None, str, float]] = []
    for scalar in read_scalars(path):
        rows.append(("", scalar.step, None, scalar.tag, scalar.value))
        refuse_long(path, len(rows))
    return pl.DataFrame(rows, schema=TIDY, orient="row")


def _csv(path: Path) -> pl.DataFrame:
    with path.open("rb") as file:
        lines = lines_of(path, file)
        header = next((line for line in lines if line.strip()), b"")
        for _ in lines:  # refuses what is too long before a parser holds it
            continue
    counts = {mark: header.count(mark.encode()) for mark in (",", ";", "\t")}
    separator = max(counts, key=lambda mark: counts[mark])
    refuse_wide(path, counts[separator] + 1)
    try:
        table = pl.read_csv(path, separator=separator, infer_schema=False, truncate_ragged_lines=True)
    except pl.exceptions.PolarsError as error:
        message = f"{path} cannot be read as CSV: {str(error).splitlines()[0][:200]}"
        raise WarehouseError(message) from error
    if separator == ";":  # where the semicolon separates, the comma is often the decimal point
        table = table.with_columns(pl.all().str.replace(",", ".", literal=True))
    stripped = [name.strip() for name in table.columns]
    return table.rename(dict(zip(table.columns, stripped, strict=True))) if _are_apart(stripped) else table


def _are_apart(names: list[str]) -> bool:
    return len(set(names)) == len(names)
