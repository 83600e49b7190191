"""The raw file of a synthetic source: made when it is not there, made anew when its generator changed."""

from collections.abc import Callable
from pathlib import Path

from warehouse import synthetic
from warehouse.config import Source
from warehouse.fingerprint import code_digest
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
        if not (path.is_file() and note.is_file() and read_json(note) == made_of):
            tell(f"generating {source.synthetic.events:,} synthetic events")
            partial = path.with_suffix(".partial")
            synthetic.generate(source.synthetic, partial)
            partial.replace(path)
            write_json(note, made_of)
    return source.model_copy(update={"path": str(path)})
