"""Check the store: its room and what was published in it."""

import shutil

from tasks.verb import verb
from warehouse.checkup import Checkup, check
from warehouse.store import store_at, told_plainly


@verb
def check_store(store: str | None, *, deep: bool) -> Checkup:
    """Look whether every published folder is whole."""
    where = store_at(store)
    with told_plainly(where.root):
        return check(where, deep=deep)


@verb
def free_bytes(store: str | None) -> int:
    """Return how much room the disk under the store has; one that is not there yet is asked of its nearest parent."""
    root = store_at(store).root.resolve()
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    return shutil.disk_usage(there).free
