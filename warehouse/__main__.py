"""Ask the store in SQL: ``python -m warehouse "SELECT ..."``."""

import argparse
import csv
import json
import math
import sys
from typing import Any, TextIO

import duckdb
from rich.console import Console
from rich.table import Table

from warehouse.errors import WarehouseError
from warehouse.store import store_at
from warehouse.views import VIEWS, answered

SHOWN = 1_000
"""Rows that a table on the screen shows at most; --format csv and json never cut."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns its exit code: 0, or 2 with one line on standard error."""
    said = _parser().parse_args(arguments)
    write = {"table": _write_table, "csv": _write_csv, "json": _write_json}[said.format]
    try:
        with answered(store_at(said.store), said.query) as connection:
            write(connection, sys.stdout)
    except WarehouseError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except BrokenPipeError:
        sys.stderr.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m warehouse", description=f"Ask the store in SQL. Views: {', '.join(VIEWS)}."
    )
    parser.add_argument("query", help="one SELECT")
    parser.add_argument("--store", help="the store's folder (default: SAWTOOTH_STORE, or store/ in the project)")
    parser.add_argument("--format", choices=["table", "csv", "json"], default="table")
    return parser


def _columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [column[0] for column in connection.description or []]


def _write_table(connection: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    table = Table(*_columns(connection))
    rows = connection.fetchmany(SHOWN + 1)
    for row in rows[:SHOWN]:
        table.add_row(*("" if value is None else str(value) for value in row))
    console = Console(file=out, markup=False, width=None if out.isatty() else 200)
    console.print(table)
    if len(rows) > SHOWN:
        sys.stderr.write(f"only the first {SHOWN} rows are shown; use LIMIT, or --format csv for all\n")


def _write_csv(connection: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    writer = csv.writer(out)
    writer.writerow(_columns(connection))
    while rows := connection.fetchmany(SHOWN):
        writer.writerows(rows)


def _write_json(connection: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    columns = _columns(connection)
    rows = [dict(zip(columns, map(_in_json, row), strict=True)) for row in connection.fetchall()]
    json.dump(rows, out, default=str, ensure_ascii=False, allow_nan=False)
    out.write("\n")


def _in_json(value: Any) -> Any:
    """Return null for what JSON has no number for: NaN and infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    sys.exit(main())
