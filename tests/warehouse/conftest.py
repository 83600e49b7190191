"""A store with a folder of raw files beside it, and what tests ask of the two."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from warehouse.config import Columns, Dataset, Extraction, Source
from warehouse.datasets import Built, build
from warehouse.extract import Cuts, FlatLog
from warehouse.ingest import Ingested, ingest, manifest_of
from warehouse.snapshot import open_snapshot
from warehouse.sources import Log, resolve
from warehouse.splits import SPLITS
from warehouse.store import Store

LIGHT = Extraction(memory_mb=512, threads=1)
NOW_US = 1_800_000_000_000_000  # 2027-01-15
Window = tuple[str, int, str | None, tuple[str | None, ...]]


@dataclass
class Warehouse:
    """A store, raw files beside it, and what was told."""

    folder: Path
    told: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    def write(self, name: str, content: str | bytes | pl.DataFrame) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def log(self, path: str = "log.csv", **settings: Any) -> Log:
        """Return a source with columns user, item and at, the time a plain order, unless it is said otherwise."""
        if settings.get("preset", "custom") == "custom":
            columns = Columns(user="user", item="item", time="at")
            settings = {"preset": "custom", "columns": columns, "time_kind": "order", "max_rejected": 1.0, **settings}
        settings.setdefault("name", settings["preset"])
        path = str(self.folder / path)
        if settings["preset"] == "synthetic":  # whose path is the project's own to set
            return resolve(Source(**settings).model_copy(update={"path": path}))
        return resolve(Source(path=path, **settings))

    def ingest(self, path: str = "log.csv", **settings: Any) -> Ingested:
        return ingest(self.store, self.log(path, **settings), LIGHT, self.told.append, NOW_US)

    def ingest_rows(self, rows: list[tuple[str, str, int]], **settings: Any) -> Ingested:
        """Ingest a log of these users, items and times."""
        self.write("log.csv", "user,item,at\n" + "".join(f"{user},{item},{at}\n" for user, item, at in rows))
        return self.ingest(**settings)

    def table(self, name: str, source: str = "custom") -> pl.DataFrame:
        """Return the events or the quarantine of a source's current batches, in order."""
        folder = self.store.events(source)
        return pl.concat(
            pl.read_parquet(folder / one["batch"] / f"{name}.parquet") for one in manifest_of(folder)["batches"]
        )

    def events(self, source: str = "custom") -> list[tuple[str, str, int]]:
        return self.table("events", source).select("user", "item", "moment").rows()

    def quarantine(self, source: str = "custom") -> list[tuple[str, str, int]]:
        return sorted(self.table("quarantine", source).select("reason", "place", "number").rows())

    def build(self, ingested: Ingested, **settings: Any) -> Built:
        """Build a dataset; by default of all the windows that there are."""
        sizes = dict.fromkeys(("train_windows", "validation_windows", "test_windows"), 10**6)
        config = Dataset(**{**sizes, "allow_fewer": True, **settings})
        return build(self.store, ingested, "250k", config, LIGHT, self.told.append)

    def windows(self, built: Built) -> dict[str, list[Window]]:
        """Return user, time, target and history of each split's windows, sorted; unknown items are None."""
        snapshot = open_snapshot(self.store.dataset(built.dataset_id))
        ids, users, arrays = [None, *snapshot.item_ids()], snapshot.user_ids(), snapshot.arrays
        found: dict[str, list[Window]] = {}
        for split in SPLITS:
            found[split] = []
            for end, length in zip(arrays[f"{split}_ends"], arrays[f"{split}_lengths"], strict=True):
                history = tuple(ids[code] for code in arrays["items"][end - int(length) : end])
                user, at = users[arrays["users"][end]], int(arrays["times"][end])
                found[split].append((user, at, ids[arrays["items"][end]], history))
            found[split].sort(key=repr)
        return found

    def tree(self) -> dict[str, bytes]:
        """Return every file of the store but the locks, with its content."""
        root = self.store.root
        files = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
        return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(autouse=True, scope="session")
def _without_waiting_for_the_disk() -> Iterator[None]:
    """Spare the tests a fifth of their time; that everything is synced is tested by counting (test_store.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture
def house(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


@pytest.fixture(scope="session")
def new_house(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Warehouse]:
    """Give a function that makes an empty warehouse, for tests that need several."""
    return lambda: Warehouse(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def small_rows() -> list[tuple[str, str, int]]:
    """Return 40 users of 12 events over 15 items, in order of time."""
    random = np.random.default_rng(3)
    rows = [(f"u{user:02}", f"i{random.integers(15):02}", int(random.integers(10_000))) for user in range(40)
            for _ in range(12)]  # fmt: skip
    return sorted(rows, key=lambda row: row[2])


@pytest.fixture(scope="session")
def flat_log() -> Callable[..., FlatLog]:
    """Give a function that makes a flat log of codes by hand; hashes are arbitrary but fixed."""

    def make(users: list[int], items: list[int], times: list[int], cuts: tuple[int | None, int | None]) -> FlatLog:
        n_items, n_users = max(items) + 1, max(users) + 1
        hashes = np.random.default_rng(7).integers(2**64, size=n_items + n_users, dtype=np.uint64)
        texts = [str(code) for code in range(n_items)]
        return FlatLog(
            items=np.array(items, np.int32),
            users=np.array(users, np.int32),
            times=np.array(times, np.int64),
            item_ids=pa.array(texts),
            user_ids=pa.array([f"u{code}" for code in range(n_users)]),
            item_hashes=hashes[:n_items],
            user_hashes=hashes[n_items:],
            item_text_ranks=np.argsort(np.argsort(texts)).astype(np.int32),
            cuts=Cuts(*cuts),
            events_in_log=len(items),
        )

    return make
