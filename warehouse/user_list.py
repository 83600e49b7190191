"""A list of users in a text file, whoever made it."""

from collections.abc import Iterator
from pathlib import Path

from warehouse.errors import WarehouseError

_LONGEST = 10_000
_LINES_A_PART = 100_000


def users_listed(path: Path) -> Iterator[list[str]]:
    """Yield the users of a file, a line each, some at a time; empty lines are nobody.

    Raises
    ------
    WarehouseError
        If it cannot be read, is not UTF-8, names nobody, or a line is longer than 10,000 characters.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            number, some, anybody = 0, list[str](), False
            while line := file.readline(_LONGEST + 1):
                number += 1
                if len(line) > _LONGEST:
                    message = f"{path}: line {number} is longer than {_LONGEST:,} characters; give a user a line"
                    raise WarehouseError(message)
                some += [line.rstrip("\n")] if line.strip() else []
                anybody = anybody or bool(some)
                if len(some) == _LINES_A_PART:
                    yield some
                    some = []
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text: give a user a line"
        raise WarehouseError(message) from error
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}); check --users"
        raise WarehouseError(message) from error
    if some:
        yield some
    if not anybody:
        message = f"{path} names no user: give a user a line"
        raise WarehouseError(message)
