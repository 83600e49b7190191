"""A finished run comes back from the store as the records that made it."""

import numpy as np
import polars as pl
import pytest

from models.watching import WatchedScores
from tasks.records import stored_record, watched_rows
from warehouse.runs import SCHEMAS
from warehouse.snapshot import open_snapshot
from warehouse.store import Store


@pytest.fixture
def record(tiny_run):
    snapshot = open_snapshot(Store(tiny_run.store).dataset(tiny_run.dataset_id))
    return stored_record(str(tiny_run.store), tiny_run.run_id, snapshot)


def test_every_table_becomes_its_records(record, tiny_run):
    assert (record.run_id, record.status, record.config.epochs) == (tiny_run.run_id, "finished", 3)
    assert [step.step for step in record.steps] == list(range(1, 25))  # 3 epochs of 500 windows by 64
    assert {point.estimator for point in record.points} == {"train_running", "train_probe", "validation"}
    assert sum(row.count for row in record.forgetting) == sum(row.count for row in record.quarters) == 1_500
    assert record.overlap is None


def test_gradients_of_single_steps_are_left_to_the_steps(record, tiny_run):
    stored = pl.read_parquet(tiny_run.store / "runs" / tiny_run.run_id / "norms.parquet")
    assert "step_gradient" in stored["quantity"].unique()
    assert {norm.quantity for norm in record.norms} == set(stored["quantity"].unique()) - {"step_gradient"}


def test_what_was_watched_agrees_with_the_curve(record):
    watched = record.watched
    assert watched.rank_KW.shape == watched.loss_KW.shape == (12, 50)
    hits = {point.step: point.value for point in record.points
            if point.estimator == "validation" and point.metric == "hr@10"}  # fmt: skip
    assert list(watched.step_K) == sorted(hits)
    assert (watched.rank_KW <= 10).mean(1).tolist() == pytest.approx([hits[step] for step in watched.step_K])


def test_watched_windows_are_of_their_own_users(record, tiny_run):
    arrays = open_snapshot(Store(tiny_run.store).dataset(tiny_run.dataset_id)).arrays
    expected = [int(arrays["users"][end]) for end in arrays["validation_ends"]]
    assert record.watched.user_W.tolist() == expected
    assert len(set(expected)) > 1


def test_ranks_of_the_kept_weights_are_stored_for_both_splits(tiny_run):
    folder = tiny_run.store / "runs" / tiny_run.run_id
    ranks, scores = (pl.read_parquet(folder / f"{name}.parquet") for name in ("ranks", "scores"))
    for split, count in (("validation", 50), ("test", 40)):
        of_split = ranks.filter(pl.col("split") == split)
        assert of_split["window"].to_list() == list(range(count))
        (hr,) = scores.filter(
            (pl.col("model") == "gru") & (pl.col("split") == split) & (pl.col("metric") == "hr@10")
        )["value"]  # fmt: skip
        assert (of_split["rank"] <= 10).mean() == pytest.approx(hr)


def test_a_run_of_an_older_version_has_no_windows_watched(tiny_run, tmp_path):
    store = Store(tmp_path)
    store.run("old").parent.mkdir()
    folder = tiny_run.store / "runs" / tiny_run.run_id
    store.run("old").mkdir()
    for path in folder.iterdir():
        if path.is_file() and path.stem not in {"watched", "forgetting", "quarters"}:
            (store.run("old") / path.name).write_bytes(path.read_bytes())
    snapshot = open_snapshot(Store(tiny_run.store).dataset(tiny_run.dataset_id))
    record = stored_record(str(tmp_path), "old", snapshot)
    assert (record.watched, record.forgetting, record.quarters) == (None, [], [])
    assert record.points


def test_rows_of_what_was_watched_go_by_step_and_window():
    scores = WatchedScores(np.array([5, 9]), np.array([[1, 2], [3, 4]], np.float32), np.array([[1, np.inf], [2, 3]]))
    rows = watched_rows(scores)
    assert rows.select("step", "window", "loss_nats").rows() == [(5, 0, 1.0), (5, 1, 2.0), (9, 0, 3.0), (9, 1, 4.0)]
    assert rows["rank"].to_list() == [1.0, float("inf"), 2.0, 3.0]


def test_a_training_without_evaluation_has_no_rows():
    assert watched_rows(None).schema == SCHEMAS["watched"]
