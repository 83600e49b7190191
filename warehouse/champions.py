"""Champions: which run stands for a source and a size, and how it came to.

One file a source and size, ``champions/<source>/<size>.json``: hit ratios on the windows of two logs cannot be
compared, so two sources never meet, and neither waits for the other's lock. The file holds the pointer and the whole
history, so that one rename changes both or neither.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from warehouse.errors import WarehouseError
from warehouse.runs import facts_of, finished
from warehouse.store import Store, read_json, told_plainly, write_json

CHAMPION_COLUMNS = {
    "source": pa.string(), "size": pa.string(), "at": pa.string(), "action": pa.string(), "run_id": pa.string(),
    "champion": pa.string(), "is_current": pa.bool_(), "dataset_id": pa.string(), "metric": pa.string(),
    "test_hr": pa.float64(), "difference": pa.float64(), "low": pa.float64(), "high": pa.float64(),
    "reason": pa.string(),
}  # fmt: skip
"""Columns of the view. Grain: a decision; `is_current` is true for the one that put the present champion there."""


class _Kept(BaseModel):
    """What the file says; a later version may say more."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Entry(_Kept):
    """One decision: of a night's run, or a rollback."""

    at: str
    action: Literal["promoted", "kept out", "rolled back"]
    run_id: str
    champion: str | None  # who is after it
    dataset_id: str
    metric: str
    test_hr: float | None
    reason: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None


class Standing(_Kept):
    """The champion of a source and size, and all that was decided, oldest first."""

    source: str
    size: str
    run_id: str | None = None
    history: tuple[Entry, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of its lock, and how people are told of it."""
        return f"{self.source}-{self.size}"

    def decided(self, run_id: str) -> Entry | None:
        """Return what was decided of a run; a rollback decides of no night."""
        return next((one for one in self.history if one.run_id == run_id and one.action != "rolled back"), None)

    def reigns(self) -> list[str]:
        """Return the champions that a rollback leads back through: each once, the present one last.

        A rollback takes down those who came after whom it brings back.
        """
        stack: list[str] = []
        for entry in self.history:
            if entry.action == "kept out":
                continue
            del stack[stack.index(entry.run_id) if entry.run_id in stack else len(stack) :]
            stack.append(entry.run_id)
        return stack

    def since(self) -> Entry | None:
        """Return the decision that put the present champion there."""
        return next((one for one in reversed(self.history) if one.action != "kept out"), None)

    def with_entry(self, entry: Entry) -> Self:
        """Return what stands after one more decision."""
        return self.model_copy(update={"run_id": entry.champion, "history": (*self.history, entry)})


def now_text() -> str:
    """Return the time as the history has it: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def standing_of(store: Store, source: str, size: str) -> Standing:
    """Return who is the champion; nobody where nothing was decided yet.

    Raises
    ------
    WarehouseError
        If the file is damaged.
    """
    path = store.champion(source, size)
    if not path.is_file():
        return Standing(source=source, size=size)
    try:
        return Standing.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{path} is damaged ({'.'.join(map(str, first['loc']))}: {first['msg']}); restore it, or remove it"
        raise WarehouseError(message) from error


def standings(store: Store) -> list[Standing]:
    """Return every champion's standing, by source and size."""
    paths = sorted((store.root / "champions").glob("*/*.json"))
    return [standing_of(store, path.parent.name, path.stem) for path in paths]


def record(store: Store, standing: Standing, entry: Entry) -> Standing:
    """Write one more decision down; the caller holds the lock of the standing's name."""
    after = standing.with_entry(entry)
    path = store.champion(standing.source, standing.size)
    with told_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, after.model_dump(mode="json"))
    return after


def champion_of(store: Store, source: str | None, size: str) -> Standing:
    """Return the standing that is meant; a source need not be said where only one has a champion of the size.

    Raises
    ------
    WarehouseError
        If there is none, or it has to be said which.
    """
    found = [
        one for one in standings(store) if one.size == size and one.run_id is not None and source in {None, one.source}
    ]
    if not found:
        of = f" of {source}" if source else ""
        message = f"there is no champion{of} of size {size} yet; the nightly flow makes one (see: flows champions)"
        raise WarehouseError(message)
    if len(found) > 1:
        message = f"{len(found)} sources have a champion of size {size}; say --source, one of: " + ", ".join(
            one.source for one in found
        )
        raise WarehouseError(message)
    return found[0]


def run_meant(store: Store, said: str, source: str | None, size: str) -> str:
    """Return the run that is meant: the one said, or the champion of a source and size.

    Raises
    ------
    WarehouseError
        If it is not in the store, or not as it was published.
    """
    run_id = str(champion_of(store, source, size).run_id) if said == "champion" else said
    if not finished(store, run_id):
        message = f"run {run_id} is not in the store; python -m flows champions, or the view runs, lists those that are"
        raise WarehouseError(message)
    return run_id


def roll_back(store: Store, standing: Standing, to: str | None, tell: Callable[[str], None]) -> Standing:
    """Put the champion before back, or one that is named.

    Raises
    ------
    WarehouseError
        If there is none before, the named one never was a champion here, or its run is not whole.
    """
    with store.lock("champions", standing.name, tell):
        standing = standing_of(store, standing.source, standing.size)  # as it is under the lock
        run_id = _target(standing, to)
        if not finished(store, run_id):
            message = f"run {run_id} is no longer in the store, so it cannot be the champion; say another with --to"
            raise WarehouseError(message)
        facts = facts_of(store, run_id)
        entry = Entry(
            at=now_text(), action="rolled back", run_id=run_id, champion=run_id, dataset_id=facts["dataset_id"],
            metric=facts["metric"], test_hr=facts["test_hr"], reason=f"asked for, in the place of {standing.run_id}",
        )  # fmt: skip
        return record(store, standing, entry)


def _target(standing: Standing, to: str | None) -> str:
    reigns = standing.reigns()
    if to is None:
        if len(reigns) < 2:
            message = f"{standing.run_id} is the first champion of {standing.name}: there is none before it"
            raise WarehouseError(message)
        return reigns[-2]
    once = {one.run_id for one in standing.history if one.action == "promoted"}
    if to == standing.run_id or to not in once:
        others = ", ".join(sorted(once - {str(standing.run_id)})) or "none"
        what = "is the champion" if to == standing.run_id else "never was a champion"
        message = f"run {to} {what} of {standing.name}; others that were: {others}"
        raise WarehouseError(message)
    return to


def champion_rows(store: Store) -> list[dict[str, Any]]:
    """Return all decisions as rows of the view."""
    rows = []
    for standing in standings(store):
        since = standing.since()
        for entry in standing.history:
            of = {"source": standing.source, "size": standing.size, "is_current": entry is since}
            rows.append({**entry.model_dump(), **of})
    return rows
