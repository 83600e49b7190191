"""What users had last, as a model's codes: read from the events that are in the store now, a part at a time.

Events that came after the model's dataset was cut count, too; items that its vocabulary does not know are skipped.
DuckDB sorts within a small, fixed memory and spills beyond, so that memory does not grow with the number of users.
Legend: E events of a part, U users of a part.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from warehouse.config import Dataset, Extraction
from warehouse.duck import connected, file_text, translated
from warehouse.errors import WarehouseError
from warehouse.extract import Cuts, FlatLog
from warehouse.fingerprint import sha256_of
from warehouse.flat import changes, since_start
from warehouse.snapshot import Snapshot
from warehouse.ties import hash_ties
from warehouse.user_list import users_listed
from warehouse.windows import HISTORY

_SORT_MB = 256  # in which 65 million events were sorted here; more memory made it no faster
_EVENTS_A_PART = 500_000
_USERS_A_PART = 20_000
_US_A_MINUTE = 60_000_000
_HASHES = "md5_number_lower(item) AS item_hash, md5_number_lower(user) AS user_hash"
_NO_HASHES = "0::UBIGINT AS item_hash, 0::UBIGINT AS user_hash"


@dataclass(frozen=True)
class Histories:
    """Some users and what they had, oldest first; ``codes[begins[u]:stops[u]]`` is a user's history, 0 to 10 items."""

    users: pa.StringArray  # U
    codes: NDArray[np.int32]  # E known items, 1 to V
    firsts: NDArray[np.int64]  # U, where all that the user ever had begins
    begins: NDArray[np.int64]  # U, where the history begins
    stops: NDArray[np.int64]  # U, where both end

    def __len__(self) -> int:
        return len(self.users)

    def history(self, user: int) -> list[int]:
        """Return the last items of a user, by its place here."""
        codes: list[int] = self.codes[self.begins[user] : self.stops[user]].tolist()
        return codes

    def seen(self, user: int) -> NDArray[np.int32]:
        """Return all known items that a user ever had."""
        return self.codes[self.firsts[user] : self.stops[user]]


@contextmanager
def histories_of(
    batches: list[Path], snapshot: Snapshot, wanted: Path | None, extraction: Extraction, spill: Path
) -> Iterator[Iterator[Histories]]:
    """Yield the histories of all users, or of those in a file, in the order of their ids.

    Parameters
    ----------
    batches
        Folders of ingested events.
    snapshot
        The model's dataset: its vocabulary, and how histories were cut.
    wanted
        A text file with a user a line; one without events has an empty history. None: all who have events.
    extraction
        What DuckDB may use: its threads, and at most 256 MB of its memory.
    spill
        A folder for what does not fit into memory.

    Raises
    ------
    WarehouseError
        If DuckDB refuses.
    """
    config = Dataset.model_validate(snapshot.manifest["config"])
    with translated("histories"), connected(extraction, spill, most_mb=_SORT_MB) as connection:
        files = ", ".join(file_text(path / "events.parquet") for path in batches)
        connection.execute(
            f"CREATE TEMP VIEW log AS SELECT user, item, moment, file_index AS batch, row FROM read_parquet([{files}])"
        )
        vocabulary = file_text(snapshot.folder / "items.parquet")
        connection.execute(f"CREATE TEMP VIEW vocabulary AS SELECT item, code FROM read_parquet({vocabulary})")
        whose = "log"
        if wanted is not None:
            _take_in(connection, wanted)
            whose = "(SELECT DISTINCT user FROM wanted) LEFT JOIN log USING (user)"
        is_hashed = snapshot.manifest["ties"]["choice"] == "hash"
        ordered = connection.sql(
            f"SELECT user, code, moment, {_HASHES if is_hashed else _NO_HASHES}"
            f" FROM {whose} LEFT JOIN vocabulary USING (item) ORDER BY user, moment, batch, row"
        )
        yield (
            part
            for table in _whole_users(ordered.to_arrow_reader(_EVENTS_A_PART))
            for part in _parts(_cut(table, config, is_hashed=is_hashed))
        )


def whole_batches(folder: Path, batches: list[dict[str, str]]) -> list[Path]:
    """Return the folders of a source's batches, each still as it was ingested.

    Raises
    ------
    WarehouseError
        If there is none, or one is missing or altered.
    """
    if not batches:
        message = f"{folder} holds no events: ingest the log first (the nightly flow does)"
        raise WarehouseError(message)
    for batch in batches:
        events = folder / batch["batch"] / "events.parquet"
        if not events.is_file() or sha256_of(events) != batch["events_sha256"]:
            message = f"{events} is missing or was altered; remove {events.parent} and ingest {batch['path']} again"
            raise WarehouseError(message)
    return [folder / batch["batch"] for batch in batches]


def _whole_users(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Part sorted events where a user ends."""
    rest = None
    for batch in batches:
        table = pa.Table.from_batches([batch])
        table = pa.concat_tables([rest, table]) if rest is not None else table
        last = pc.index(table["user"], table["user"][-1]).as_py()
        if last:
            yield table.slice(0, last)
        rest = table.slice(last)
    if rest is not None:
        yield rest


def _cut(table: pa.Table, config: Dataset, *, is_hashed: bool) -> Histories:
    """Find each user's known items and, among them, the history, as the dataset's windows were cut."""
    encoded = table["user"].combine_chunks().dictionary_encode()
    n_users = len(encoded.dictionary)
    columns = (pc.fill_null(table[name], 0).to_numpy() for name in ("code", "moment", "item_hash", "user_hash"))
    users, (codes, times, item_hashes, user_hashes) = encoded.indices.to_numpy(), columns
    if is_hashed:
        codes = codes[_hashed(users, times, item_hashes, user_hashes, config.seed)]
    known = codes > 0
    users, codes, times = users[known], codes[known], times[known]
    if config.collapse_repeats:
        keep = changes(users) | changes(codes)
        users, codes, times = users[keep], codes[keep], times[keep]
    starts = changes(users)
    if config.session_gap_minutes is not None:
        starts[1:] |= np.diff(times) > config.session_gap_minutes * _US_A_MINUTE
    firsts, stops = (np.searchsorted(users, np.arange(n_users), side=side) for side in ("left", "right"))
    lengths = np.append(since_start(starts) + 1, 0)[stops - 1] * (stops > firsts)
    return Histories(encoded.dictionary, codes, firsts, stops - np.minimum(lengths, HISTORY), stops)


def _hashed(
    users: NDArray[np.int32],
    times: NDArray[np.int64],
    item_hashes: NDArray[np.uint64],
    user_hashes: NDArray[np.uint64],
    seed: int,
) -> NDArray[np.int32]:
    """Return the places of the events in the order that the dataset gave to ties."""
    places, no_ids = np.arange(len(users), dtype=np.int32), np.empty(0, np.object_)
    of_user = user_hashes[np.flatnonzero(changes(users))]
    log = FlatLog(
        items=places, users=users, times=times, item_ids=no_ids, user_ids=no_ids, item_hashes=item_hashes,
        user_hashes=of_user, item_text_ranks=places, cuts=Cuts(None, None), events_in_log=len(users),
    )  # fmt: skip
    hash_ties(log, seed)  # every event is an item of its own here, so that its new place is known
    return places


def _parts(all_of: Histories) -> Iterator[Histories]:
    for start in range(0, len(all_of), _USERS_A_PART):
        part = slice(start, start + _USERS_A_PART)
        yield Histories(all_of.users[part], all_of.codes, all_of.firsts[part], all_of.begins[part], all_of.stops[part])


def _take_in(connection: duckdb.DuckDBPyConnection, wanted: Path) -> None:
    connection.execute("CREATE TEMP TABLE wanted (user VARCHAR)")
    for users in users_listed(wanted):
        connection.register("listed", pa.table({"user": pa.array(users, pa.string())}))
        connection.execute("INSERT INTO wanted SELECT user FROM listed")
        connection.unregister("listed")
