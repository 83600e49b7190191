"""The file of lists: its rows, and that it is there whole or not at all."""

import json

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.errors import WarehouseError
from warehouse.recommendations import SCHEMA, as_rows, popular, written
from warehouse.snapshot import open_snapshot

IDS = {"run_id": "r", "dataset_id": "d"}


def rows(*users: str) -> pa.Table:
    codes = np.array([[2, 1, 0]] * len(users), np.int64)
    scores = np.array([[0.5, 0.25, -np.inf]] * len(users), np.float32)
    made_by = np.array([user != "new" for user in users])
    return as_rows(pa.array(users), codes, scores, pa.array(["apple", "pear"]), made_by, IDS)


def test_a_list_is_rows_by_rank_that_end_where_it_ends(tmp_path):
    path = tmp_path / "deep" / "lists.parquet"
    with written(path, {"k": 3}) as write:
        write(rows("ann", "new"))
        write(rows("bob"))
    table = pl.read_parquet(path)
    assert table.columns == SCHEMA.names
    assert table.drop("run_id", "dataset_id").rows() == [
        ("ann", 1, "pear", 0.5, "model"), ("ann", 2, "apple", 0.25, "model"),
        ("new", 1, "pear", 0.5, "popularity"), ("new", 2, "apple", 0.25, "popularity"),
        ("bob", 1, "pear", 0.5, "model"), ("bob", 2, "apple", 0.25, "model"),
    ]  # fmt: skip
    assert table.select("run_id", "dataset_id").unique().rows() == [("r", "d")]
    file = pq.ParquetFile(path)
    assert file.num_row_groups == 2
    assert json.loads(file.schema_arrow.metadata[b"sawtooth"]) == {"k": 3}


def test_without_users_there_is_an_empty_table(tmp_path):
    with written(tmp_path / "lists.parquet", {}):
        pass
    assert pl.read_parquet(tmp_path / "lists.parquet").shape == (0, 7)


def test_an_error_midway_leaves_what_there_was(tmp_path):
    path = tmp_path / "lists.parquet"
    with written(path, {}) as write:
        write(rows("ann"))
    before = path.read_bytes()

    def fail_after_some() -> None:
        with written(path, {}) as write:
            write(rows("bob"))
            assert path.read_bytes() == before  # nothing is seen before the end
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_some()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["lists.parquet"]


def test_a_full_disk_is_a_sentence(tmp_path):
    with pytest.raises(WarehouseError, match="no space left on device"), written(tmp_path / "x.parquet", {}):
        raise OSError(28, "No space left on device", "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_popular_items_are_the_most_frequent_train_targets(house, small_rows):
    snapshot = open_snapshot(house.store.dataset(house.build(house.ingest_rows(small_rows)).dataset_id))
    codes, counts = popular(snapshot, 4)
    targets = snapshot.arrays["items"][snapshot.arrays["train_ends"]]
    every = np.bincount(targets, minlength=snapshot.n_items + 1)[1:]
    expected = sorted(range(snapshot.n_items), key=lambda code: (-every[code], code))[:4]
    assert codes.tolist() == [code + 1 for code in expected]
    assert counts.tolist() == every[expected].tolist()
