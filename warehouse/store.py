"""Where things are in the store, and the one way in which anything gets there: whole or not at all."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import Any

from filelock import FileLock, Timeout

from warehouse.config import store_root
from warehouse.errors import WarehouseError

_ADVICE = "free space or choose another folder with --store"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Store:
    """A store's folder. Readers see all of it but `work/`, which holds what is unfinished."""

    root: Path

    def events(self, source: str) -> Path:
        """Return the folder of one source's ingested batches."""
        return self.root / "events" / checked(source)

    def dataset(self, dataset_id: str) -> Path:
        """Return the folder of a dataset's snapshot."""
        return self.root / "datasets" / checked(dataset_id)

    def run(self, run_id: str) -> Path:
        """Return the folder of a finished run."""
        return self.root / "runs" / checked(run_id)

    def study(self, study_id: str) -> Path:
        """Return the folder of a finished study."""
        return self.root / "studies" / checked(study_id)

    def champion(self, source: str, size: str) -> Path:
        """Return the file that says which run is the champion of a source and size."""
        return self.root / "champions" / checked(source) / f"{checked(size)}.json"

    def recommendations(self, source: str, size: str) -> Path:
        """Return the file of what is recommended to a source's users."""
        return self.root / "recommendations" / checked(source) / f"{checked(size)}.parquet"

    def work(self, kind: str, name: str) -> Path:
        """Return the folder where something is being made; it is on the store's own file system."""
        return self.root / "work" / checked(kind) / checked(name)

    @contextmanager
    def lock(self, kind: str, name: str, tell: Callable[[str], None]) -> Iterator[None]:
        """Hold what is being made against other processes; say so if that means to wait.

        The kernel lets go of the lock when a process dies.
        """
        path = self._lock_path(kind, name)
        lock = FileLock(path)
        with told_plainly(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                tell(f"{kind} {name} is being made by another process; waiting for it")
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def lock_if_free(self, kind: str, name: str) -> Iterator[bool]:
        """Hold the lock inside the block if nobody else does; yield whether it is held."""
        lock = FileLock(self._lock_path(kind, name))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _lock_path(self, kind: str, name: str) -> Path:
        return self.root / "work" / "locks" / f"{checked(kind)}-{checked(name)}.lock"


def store_at(said: str | None) -> Store:
    """Return the store that is meant: the one said, else SAWTOOTH_STORE, else `store/` in the project."""
    return Store(store_root(said))


def is_name(name: str) -> bool:
    """Return whether something in the store may have this name."""
    return _NAME.fullmatch(name) is not None and ".." not in name


def checked(name: str) -> str:
    """Return a name that cannot leave the store's folder.

    Raises
    ------
    WarehouseError
        If it could: other than a-z, 0-9, dot, dash and underscore, over 80 characters, or two dots.
    """
    if not is_name(name):
        message = f"{name!r} is not a name in the store: use a-z, 0-9, '.', '-' and '_', at most 80 characters"
        raise WarehouseError(message)
    return name


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses (a full disk, a read-only folder) into a sentence."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else f"not written whole ({error})"
        advice = "check who may read and write it" if isinstance(error, PermissionError) else _ADVICE
        message = f"{error.filename or path}: {reason.lower()}; {advice}"
        raise WarehouseError(message) from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole: under a temporary name, synced, renamed."""
    with told_plainly(path):
        partial = partial_of(path)
        try:
            with partial.open("w", encoding="utf-8") as file:
                json.dump(content, file, indent=2, ensure_ascii=False, default=str)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            sync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of the store.

    Raises
    ------
    WarehouseError
        If it is missing or not JSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{path} is not in the store"
        raise WarehouseError(message) from None
    except (ValueError, RecursionError) as error:
        message = f"{path} is damaged ({error}); remove its folder and ask again"
        raise WarehouseError(message) from error
    if not isinstance(content, dict):
        message = f"{path} is damaged (not a JSON object); remove its folder and ask again"
        raise WarehouseError(message)
    return content


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield where to write a file that takes its name at the end: synced, renamed.

    After an error there is what there was before; what a killed process of this machine left half-written goes.
    """
    with told_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_of(path)
        try:
            yield partial
            _sync(partial)
            partial.replace(path)
            sync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """Return this process's name for a file that is not whole yet, and remove what dead ones of this machine left.

    Raises
    ------
    OSError
        If the folder is not there or cannot be read.
    """
    mark = f".{path.name}.{gethostname()}."
    for left in path.parent.iterdir():
        if left.name.startswith(mark) and not _is_alive(left.name.removeprefix(mark)):
            left.unlink(missing_ok=True)
    return path.with_name(f"{mark}{os.getpid()}")


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except PermissionError:  # somebody else's
        return True
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    return True


def publish(work: Path, final: Path) -> None:
    """Make a finished folder visible: every file synced, then one rename.

    Where somebody else published the same name first, theirs stays (names are hashes of what was asked).
    """
    with told_plainly(final):
        for path in [*work.rglob("*"), work]:
            _sync(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            shutil.rmtree(work)
            return
        work.rename(final)
        sync_folder(final.parent)


def fresh(work: Path) -> Path:
    """Return an empty folder to make something in, whatever a crash left there."""
    with told_plainly(work):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    return work


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder durable."""
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
