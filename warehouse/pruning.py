"""Removing what a policy does not keep: planned first, then each thing by itself, under its lock.

A thing is renamed into the work folder and removed there, so that readers see it whole or not at all. What is in use
is left for the next time: its lock is taken, it became a champion meanwhile, or a night asked for it.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from warehouse.champions import standing_of, standings
from warehouse.errors import WarehouseError
from warehouse.policies import Keep
from warehouse.retention import SECONDS_A_DAY, StoredRun, kept_runs, protected_champions
from warehouse.store import Store, is_name, read_json, told_plainly

Kind = Literal["runs", "studies", "datasets", "leftovers"]
Tell = Callable[[str], None]
_LOCKS = {"scratch": "datasets"}
"""Kinds of work whose maker holds a lock of another name."""
_NOT_MADE = ("locks", "spill")
"""Folders of the work folder that hold no work of a name."""


@dataclass(frozen=True)
class Prunable:
    """Something that the policy does not keep."""

    kind: Kind
    name: str
    folder: Path
    bytes: int
    why: str


def noted_use(folder: Path) -> None:
    """Note that a dataset is asked for: what was asked for lately is not removed, though no run names it yet."""
    with told_plainly(folder):
        os.utime(folder)


def plan(store: Store, keep: Keep) -> list[Prunable]:
    """Return what would be removed; a run that cannot be read is left alone, it says by itself that it is damaged.

    Raises
    ------
    WarehouseError
        If a study or a champion's file is damaged: what it names is not known.
    """
    now_s = time.time()
    studies, runs = _studies(store), _runs(store)
    n_kept = len(studies) if keep.studies is None else keep.studies
    old_studies = [folder for folder, _ in studies[n_kept:] if _age_days(folder, now_s) > keep.days]
    protected = {run_id for folder, run_ids in studies if folder not in old_studies for run_id in run_ids}
    for standing in standings(store):
        protected |= protected_champions(standing, keep)
    kept = kept_runs(runs, keep, protected, now_s)
    used = {run.dataset_id for run in runs if run.run_id in kept} | _datasets_of_drafts(store, keep, now_s)
    datasets = [folder for folder in _published(store, "datasets", "manifest.json") if folder.name not in used]
    if None in used:  # a training goes on, and which dataset it reads is not written yet
        datasets = []
    return [
        *(_prunable("studies", folder, f"not of the newest {n_kept}") for folder in old_studies),
        *(_prunable("runs", store.run(run.run_id), _why(run)) for run in runs if run.run_id not in kept),
        *(_prunable("datasets", one, "no kept run uses it") for one in datasets if _age_days(one, now_s) > keep.days),
        *_leftovers(store, keep, now_s),
    ]


def _why(run: StoredRun) -> str:
    return f"of {run.source}, {run.size}, neither newest nor best"


def prune(store: Store, keep: Keep, tell: Tell) -> list[Prunable]:
    """Remove what the policy does not keep. Returns what was removed."""
    with store.lock("prune", "store", tell):
        removed = []
        for one in plan(store, keep):
            with told_plainly(one.folder):
                if _remove(store, one, keep, tell):
                    removed.append(one)
        return removed


def _remove(store: Store, one: Prunable, keep: Keep, tell: Tell) -> bool:
    if one.kind == "leftovers":
        kind = one.folder.parent.name
        return _with_lock(store, _LOCKS.get(kind, kind), one.name, lambda: _removed(one.folder))
    if one.kind == "runs":
        facts = read_json(one.folder / "run.json")
        with store.lock("champions", f"{facts['source']}-{facts['size']}", tell):  # nobody is put back meanwhile
            standing = standing_of(store, facts["source"], facts["size"])
            if one.name in protected_champions(standing, keep):
                return False
            return _with_lock(store, one.kind, one.name, lambda: _moved_and_removed(store, one, keep))
    return _with_lock(store, one.kind, one.name, lambda: _moved_and_removed(store, one, keep))


def _with_lock(store: Store, kind: str, name: str, act: Callable[[], bool]) -> bool:
    with store.lock_if_free(kind, name) as is_mine:
        return is_mine and act()


def _moved_and_removed(store: Store, one: Prunable, keep: Keep) -> bool:
    away = store.work("pruned", f"{one.kind}-{one.name}")
    away.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(away, ignore_errors=True)
    one.folder.rename(away)
    if one.kind == "datasets" and _age_days(away, time.time()) <= keep.days:  # asked for since the plan was made
        away.rename(one.folder)
        return False
    return _removed(away)


def _removed(folder: Path) -> bool:
    shutil.rmtree(folder)
    return True


def _runs(store: Store) -> list[StoredRun]:
    found = []
    for folder in _published(store, "runs", "DONE"):
        with suppress(WarehouseError, KeyError):
            facts = read_json(folder / "run.json")
            names = {name: facts[name] for name in ("dataset_id", "source", "size", "test_hr")}
            found.append(StoredRun(folder.name, finished_s=(folder / "DONE").stat().st_mtime, **names))
    return found


def _studies(store: Store) -> list[tuple[Path, set[str]]]:
    """Return the studies, the newest first, with the runs that they compare."""
    found = []
    for folder in _published(store, "studies", "DONE"):
        facts = read_json(folder / "study.json")  # one that cannot be read stops it: its runs are not known
        run_ids = {run["run_id"] for arm in facts["arms"] for run in arm["runs"]}
        found.append((str(facts["created_at"]), folder, run_ids))
    return [(folder, run_ids) for _, folder, run_ids in sorted(found, key=lambda one: one[0], reverse=True)]


def _datasets_of_drafts(store: Store, keep: Keep, now_s: float) -> set[Any]:
    """Return the datasets of runs in the making that are worked on; None stands for one that is not known."""
    drafts = (store.root / "work" / "runs").glob("*/")
    worked_on = [folder / "training.json" for folder in drafts if _untouched_days(folder, now_s) <= keep.days]
    return {read_json(path).get("dataset_id") if path.is_file() else None for path in worked_on}


def _leftovers(store: Store, keep: Keep, now_s: float) -> Iterator[Prunable]:
    """Yield unfinished work that nobody went on with; whether its maker lives, its lock says when it is removed."""
    kinds = sorted(kind for kind in (store.root / "work").glob("*/") if kind.name not in _NOT_MADE)
    for folder in (path for kind in kinds for path in sorted(kind.glob("*/")) if is_name(path.name)):
        if _untouched_days(folder, now_s) > keep.days:
            yield _prunable("leftovers", folder, f"unfinished work of {folder.parent.name}")


def _published(store: Store, kind: str, whole: str) -> list[Path]:
    return sorted(path.parent for path in (store.root / kind).glob(f"*/{whole}"))


def _prunable(kind: Kind, folder: Path, why: str) -> Prunable:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Prunable(kind, folder.name, folder, size, why)


def _age_days(path: Path, now_s: float) -> float:
    return (now_s - path.stat().st_mtime) / SECONDS_A_DAY


def _untouched_days(folder: Path, now_s: float) -> float:
    return min(_age_days(path, now_s) for path in [folder, *folder.rglob("*")])
