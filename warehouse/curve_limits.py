"""How large a file of curves may be, whatever its name says; beyond it one sentence, not a full memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from warehouse.errors import WarehouseError

MOST_BYTES = 256 * 1024**2
MOST_JSON_BYTES = 64 * 1024**2
"""A JSON document is held as objects, many times its size."""
MOST_COLUMNS = 1_000
MOST_VALUES = 5_000_000
LONGEST_LINE = 1024**2


def lines_of(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file.

    Raises
    ------
    WarehouseError
        If one is longer than a megabyte.
    """
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            message = f"{path} has a line longer than {LONGEST_LINE:,} bytes: it is no table of curves"
            raise WarehouseError(message)
        yield line


def refuse_wide(path: Path, n_columns: int) -> None:
    """Raise a WarehouseError for more columns than curves have."""
    if n_columns > MOST_COLUMNS:
        message = f"{path} has {n_columns:,} columns or more; curves have at most {MOST_COLUMNS:,}"
        raise WarehouseError(message)


def refuse_long(path: Path, n_values: int) -> None:
    """Raise a WarehouseError for more values than are read."""
    if n_values > MOST_VALUES:
        message = f"{path} has more than {MOST_VALUES:,} values; thin it out first"
        raise WarehouseError(message)
