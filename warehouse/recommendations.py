"""What is recommended, as one Parquet file: written part by part, visible whole or not at all."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from warehouse.snapshot import Snapshot
from warehouse.store import replaced

_NAMES = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema([
    ("user", pa.string()), ("rank", pa.int32()), ("item", pa.string()), ("score", pa.float32()), ("made_by", _NAMES),
    ("run_id", _NAMES), ("dataset_id", _NAMES),
])  # fmt: skip
"""Grain: an item of a user's list, rank 1 the best. The score is a logit where the model made the list, and how often
the item is a target of the train windows where popularity did. (`from`, a better name, would be SQL's own word.)"""

Write = Callable[[pa.Table], None]


@contextmanager
def written(path: Path, about: Mapping[str, Any]) -> Iterator[Write]:
    """Yield what appends rows; at the end the file takes its name. After an error there is what there was before.

    Parameters
    ----------
    path
        The file; one of this name is replaced.
    about
        What the file says of itself, as JSON under ``sawtooth`` in its metadata.
    """
    schema = SCHEMA.with_metadata({"sawtooth": json.dumps(dict(about))})
    with replaced(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        yield lambda table: writer.write_table(table.cast(schema))


def as_rows(
    users: pa.StringArray,
    codes: NDArray[np.int64],
    scores: NDArray[np.float32],
    items: pa.StringArray,
    made_by: NDArray[np.bool_],
    ids: Mapping[str, str],
) -> pa.Table:
    """Return lists as rows of the file, a user's together, by rank.

    Parameters
    ----------
    users
        (U,) whose lists they are.
    codes
        (U, k) items from 1, the best first; 0 where a list ends before.
    scores
        (U, k).
    items
        (V,) the id of code c at place c - 1.
    made_by
        (U,) whether the model made the list.
    ids
        What every row says: ``run_id`` and ``dataset_id``.
    """
    user, place = np.nonzero(codes)
    columns = {
        "user": users.take(pa.array(user)),
        "rank": pa.array(place + 1, pa.int32()),
        "item": items.take(pa.array(codes[user, place] - 1)),
        "score": pa.array(scores[user, place]),
        "made_by": pa.DictionaryArray.from_arrays(
            pa.array((~made_by[user]).astype(np.int32)), pa.array(["model", "popularity"])
        ),
    }
    same = pa.array(np.zeros(len(user), np.int32))
    named = {name: pa.DictionaryArray.from_arrays(same, pa.array([said])) for name, said in ids.items()}
    return pa.table({**columns, **named})


def popular(snapshot: Snapshot, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k items that are most often targets of the train windows, and how often; equals by code."""
    counts = pq.read_table(snapshot.folder / "items.parquet", columns=["train_targets"])["train_targets"].to_numpy()
    best = np.argsort(-counts, kind="stable")[:k]
    return best + 1, counts[best].astype(np.float32)
