"""What crashed writers left in the work folder: removed later, and never what a living process holds."""

import shutil
from pathlib import Path

from warehouse.errors import WarehouseError
from warehouse.store import Store

_LOCKS = {"datasets": "datasets", "scratch": "datasets", "events": "events", "runs": "runs", "studies": "studies"}
"""Kinds of work, and the lock that the maker of each holds."""
_GONE_ON_WITH = {"runs": Store.run, "studies": Store.study}
"""Kinds that are of use until they are published; the others are begun anew."""


def remove_leftovers(store: Store) -> list[Path]:
    """Remove unfinished work that is of no use to anybody. Returns the folders.

    Drafts of runs stay, with their checkpoints, unless the run was published meanwhile: asked for again it goes on.
    """
    found = [(kind, folder) for kind in _LOCKS for folder in sorted((store.root / "work" / kind).glob("*"))]
    return [folder for kind, folder in found if _removed(store, kind, folder)]


def _removed(store: Store, kind: str, folder: Path) -> bool:
    """Remove a folder if it is of no use and its maker is gone; return whether that was done."""
    try:
        published = _GONE_ON_WITH.get(kind)
        if published and not published(store, folder.name).exists():
            return False
        with store.lock_if_free(_LOCKS[kind], folder.name) as is_mine:
            if is_mine:
                shutil.rmtree(folder)
            return is_mine
    except (OSError, WarehouseError):  # another one was faster, or it may not be: no reason for a night to fail
        return False
