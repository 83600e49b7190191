"""The raw file of a synthetic source: made when it is not there, made anew when its generator changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from warehouse import synthetic
from warehouse.config import Source
from warehouse.fingerprint import code_digest, sha256_of
from warehouse.sources import default_name
from warehouse.store import Store, read_json, told_plainly, write_json


def ensure_log(store: Store, source: Source, tell: Callable[[str], None]) -> Source:
    """Return the source with the path of its generated file."""
    name = source.name or default_name(source)
    folder = store.root / "raw"
    path, note = folder / f"{name}.parquet", folder / f"{name}.json"
    made_of = {"settings": source.synthetic.model_dump(), "code": code_digest([Path(synthetic.__file__)])}
    with store.lock("raw", name, tell), told_plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not _is_whole(path, note, made_of):
            tell(f"generating {source.synthetic.events:,} synthetic events")
            partial = path.with_suffix(".partial")
            synthetic.generate(source.synthetic, partial)
            partial.replace(path)
            write_json(note, {**made_of, "sha256": sha256_of(path)})
    return source.model_copy(update={"path": str(path)})


def _is_whole(path: Path, note: Path, made_of: dict[str, Any]) -> bool:
    """Return whether the file is there, of these settings and this code, and still what was written."""
    if not (path.is_file() and note.is_file()):
        return False
    return read_json(note) == {**made_of, "sha256": sha256_of(path)}
