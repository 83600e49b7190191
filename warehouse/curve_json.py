"""Curves in JSON: lines, a list of rows, or Hugging Face's `trainer_state.json`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.curve_limits import MOST_JSON_BYTES, lines_of, refuse_long, refuse_wide
from warehouse.errors import WarehouseError


def read_json_rows(path: Path) -> pl.DataFrame:
    """Read JSON lines, or a document that is a list of rows or holds one under `log_history`.

    Raises
    ------
    WarehouseError
        If it is no JSON, nested too deeply, too large, or no rows.
    """
    try:
        rows = _json_lines(path)
        if rows is None:
            rows = _json_document(path)
    except (ValueError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        message = f"{path} cannot be read as JSON: {what[:200]}"
        raise WarehouseError(message) from error
    return _frame(path, rows)


def _json_lines(path: Path) -> list[dict[str, Any]] | None:
    """Return a row a line, or None if the first line is not whole JSON, or not an object: a document then."""
    rows: list[dict[str, Any]] = []
    with path.open("rb") as file:
        for number, line in enumerate(lines_of(path, file), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                if not rows:
                    return None
                message = f"line {number}: {error}"
                raise ValueError(message) from error
            if not isinstance(row, dict) or (not rows and isinstance(row.get("log_history"), list)):
                return None
            rows.append(row)
            refuse_long(path, len(rows))
    return rows


def _json_document(path: Path) -> list[dict[str, Any]]:
    if path.stat().st_size > MOST_JSON_BYTES:
        message = f"{path} is a JSON document larger than {MOST_JSON_BYTES // 1024**2} MB; write JSON lines"
        raise WarehouseError(message)
    document = json.loads(path.read_bytes())
    rows = document.get("log_history") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = "it is neither a list of rows nor a trainer_state.json with a log_history"
        raise ValueError(message)
    return rows


def _frame(path: Path, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows as columns: numbers, and texts for names and runs; one level of nesting as `outer/inner`."""
    columns: dict[str, list[float | str | None]] = {}
    n_cells = 0
    for place, row in enumerate(rows):
        for name, value in _flat(row):
            cells = columns.setdefault(name, [])
            cells.extend([None] * (place - len(cells)))
            cells.append(value)
            n_cells += 1
        refuse_wide(path, len(columns))
        refuse_long(path, n_cells)
    series = []
    for name, cells in columns.items():
        cells.extend([None] * (len(rows) - len(cells)))
        is_text = any(isinstance(cell, str) for cell in cells)
        kind = pl.String if is_text else pl.Float64
        series.append(pl.Series(name, [None if c is None else str(c) if is_text else float(c) for c in cells], kind))
    return pl.DataFrame(series)


def _flat(row: dict[str, Any]) -> Iterable[tuple[str, float | str]]:
    for name, value in row.items():
        inner = value.items() if isinstance(value, dict) else [(None, value)]
        for key, cell in inner:
            if isinstance(cell, int | float | str) and not isinstance(cell, bool):
                yield (name if key is None else f"{name}/{key}"), cell
