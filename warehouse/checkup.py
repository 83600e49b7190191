"""Whether all that was published can still be read: file by file, as each folder's own list says."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import WarehouseError
from warehouse.fingerprint import sha256_of
from warehouse.store import Store, read_json


@dataclass(frozen=True)
class Checkup:
    """How many published folders a store has, and what is wrong with it: a sentence each."""

    folders: int
    wrong: list[str]


def check(store: Store, *, deep: bool) -> Checkup:
    """Look at every published folder: are its files there; ``deep``: are they what they were (reads everything)."""
    listed = [*_listed(store, "datasets"), *_listed(store, "runs"), *_listed(store, "studies"), *_batches(store)]
    return Checkup(len(listed), [said for folder, note in listed for said in _wrong_with(folder, note, deep=deep)])


def _listed(store: Store, kind: str) -> list[tuple[Path, Path]]:
    """Return the published folders of a kind, each with the file that lists its others."""
    note = "manifest.json" if kind == "datasets" else "DONE"
    return [(folder, folder / note) for folder in sorted((store.root / kind).glob("*/")) if folder.is_dir()]


def _batches(store: Store) -> list[tuple[Path, Path]]:
    return [(note.parent, note) for note in sorted((store.root / "events").glob("*/*/batch.json"))]


def _wrong_with(folder: Path, note: Path, *, deep: bool) -> Iterator[str]:
    try:
        hashes = _hashes_in(note)
    except (WarehouseError, KeyError) as error:
        yield str(error) if isinstance(error, WarehouseError) else f"{note} is damaged (no {error})"
        return
    for name, expected in hashes.items():
        path = folder / name
        if not path.is_file():
            yield f"{path} is missing"
        elif deep and sha256_of(path) != expected:
            yield f"{path} was altered"


def _hashes_in(note: Path) -> dict[str, str]:
    content = read_json(note)
    if note.name == "batch.json":
        return {"events.parquet": content["events_sha256"]}
    hashes: dict[str, str] = content["hashes" if note.name == "manifest.json" else "files"]
    return hashes
