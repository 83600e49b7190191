"""The synthetic log is made once, and anew when its settings or its generator changed."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from warehouse import raw
from warehouse.config import Source, Synthetic
from warehouse.errors import WarehouseError
from warehouse.raw import ensure_log
from warehouse.sources import default_name

SMALL = Source(synthetic=Synthetic(events=1_000, items=50))


def made(house: Any, source: Source = SMALL) -> Path:
    house.told.clear()
    return Path(ensure_log(house.store, source, house.told.append).path)


def test_it_is_made_once(house: Any) -> None:
    path = made(house)
    assert path.name == "synthetic-1000-50-0.parquet"
    assert pl.read_parquet(path).height == 1_000
    assert house.told == ["generating 1,000 synthetic events"]
    before = path.stat()
    assert made(house) == path
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert house.told == []


def test_it_is_made_anew_for_other_settings_under_the_same_name(house: Any) -> None:
    sources = [
        SMALL.model_copy(update={"name": "mine", "synthetic": Synthetic(events=1_000, items=n)}) for n in (50, 60)
    ]
    first = made(house, sources[0]).read_bytes()
    assert made(house, sources[1]).read_bytes() != first
    assert house.told
    assert made(house, sources[0]).read_bytes() == first


def test_it_is_made_anew_for_another_generator(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made(house)
    monkeypatch.setattr(raw, "code_digest", lambda _: "another")
    made(house)
    assert house.told == ["generating 1,000 synthetic events"]


@pytest.mark.parametrize("ending", ["parquet", "json"])
def test_it_is_made_anew_where_a_file_is_gone(house: Any, ending: str) -> None:
    path = made(house)
    path.with_suffix(f".{ending}").unlink()
    assert made(house).is_file()
    assert house.told


def test_a_generator_that_fails_leaves_the_old_or_nothing(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(settings: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(raw.synthetic, "generate", fail)
        with pytest.raises(WarehouseError, match="no space left on device"):
            made(house)
    assert not list((house.store.root / "raw").glob("*.parquet"))
    assert pl.read_parquet(made(house)).height == 1_000


def test_it_goes_through_the_whole_warehouse(house: Any) -> None:
    path = made(house)
    found = house.ingest(
        str(path.relative_to(house.folder)), preset="synthetic", name=default_name(Source()), max_rejected=0.0
    )
    assert (found.source, found.events, found.quarantined) == ("synthetic-500000-5000-0", 1_000, {})
