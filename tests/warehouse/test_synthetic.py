"""The log is exact, repeatable and has in it what a next-item model should find."""

import hashlib
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from warehouse.config import Synthetic
from warehouse.errors import WarehouseError
from warehouse.synthetic import SCHEMA, generate

EVENTS, ITEMS = 200_000, 2_000


def written(folder: Path, name: str = "log", **settings: int) -> Path:
    path = folder / f"{name}.parquet"
    generate(Synthetic(**settings), path)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return pl.read_parquet(written(tmp_path_factory.mktemp("log"), events=EVENTS, items=ITEMS))


@pytest.fixture(scope="module")
def pairs(log: pl.DataFrame) -> pl.DataFrame:
    """Return each event with the item and time before it, of the same user."""
    before = pl.col("item", "time").shift().over("user").name.suffix("_before")
    return log.with_columns(before).drop_nulls()


@pytest.mark.parametrize("events", [1_000, 1_001, 40_007])
def test_rows_columns_and_shortest_user_are_exact(tmp_path: Path, events: int) -> None:
    path = written(tmp_path, events=events, items=50)
    assert pq.read_schema(path).equals(SCHEMA)
    log = pl.read_parquet(path)
    assert len(log) == events
    assert log.null_count().sum_horizontal().item() == 0
    assert log.group_by("user").len()["len"].min() >= 2
    assert 45 <= log["item"].n_unique() <= 50
    assert set(log["event"]) == {"view", "buy"}


def test_the_last_user_takes_a_rest_of_one_event(tmp_path: Path) -> None:
    for events in range(1_000, 1_060):
        log = pl.read_parquet(written(tmp_path, events=events, items=50))
        assert (len(log), log.group_by("user").len()["len"].min() >= 2) == (events, True)


def test_more_items_than_events(tmp_path: Path) -> None:
    log = pl.read_parquet(written(tmp_path, events=1_000, items=200_000))
    assert len(log) == 1_000
    assert log["item"].str.len_chars().max() == 7


def test_the_same_question_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again, other = (
        written(tmp_path, str(place), events=20_000, items=500, seed=seed) for place, seed in enumerate((7, 7, 8))
    )
    assert digest(first) == digest(again)
    assert digest(first) != digest(other)


def test_a_longer_log_begins_with_the_shorter(tmp_path: Path) -> None:
    short = pl.read_parquet(written(tmp_path, "short", events=350_000, items=500))
    long = pl.read_parquet(written(tmp_path, "long", events=700_000, items=500))
    same = 300_000  # the first chunk of users is whole in both
    assert short["user", "item"][:same].equals(long["user", "item"][:same])


def test_progress_is_told_to_the_last_row(tmp_path: Path) -> None:
    told: list[int] = []
    generate(Synthetic(events=700_000, items=500), tmp_path / "log.parquet", told.append)
    assert told == sorted(set(told))
    assert len(told) >= 2
    assert told[-1] == 700_000


def test_nothing_is_left_where_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError):
        generate(Synthetic(events=1_000, items=50), tmp_path / "missing" / "log.parquet")

    def stop(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(Synthetic(events=1_000, items=50), tmp_path / "log.parquet", stop)
    assert list(tmp_path.iterdir()) == []


def test_popularity_and_lengths_are_skewed(log: pl.DataFrame) -> None:
    counts = log.group_by("item").len()["len"].sort(descending=True)
    assert 0.4 < counts[: len(counts) // 10].sum() / EVENTS < 0.8
    assert 0.02 < counts[:10].sum() / EVENTS < 0.12
    lengths = log.group_by("user").len()["len"]
    assert 30 < lengths.mean() < 60
    assert lengths.median() < 0.75 * lengths.mean()
    assert lengths.max() <= 401


def test_names_tell_nothing_of_popularity_or_succession(log: pl.DataFrame, pairs: pl.DataFrame) -> None:
    number = pl.col("item").str.slice(1).cast(pl.Int64)
    counts = log.group_by("item").len().with_columns(number.alias("number"))
    assert abs(counts.select(pl.corr("number", "len", method="spearman")).item()) < 0.08
    unequal = pairs.filter(pl.col("item") != pl.col("item_before"))
    assert abs((unequal["item"] > unequal["item_before"]).mean() - 0.5) < 0.02


def test_baskets_are_tied_and_not_sorted_by_item(log: pl.DataFrame, pairs: pl.DataFrame) -> None:
    tied = log.filter(pl.len().over("user", "time") > 1)
    assert 0.27 < len(tied) / EVENTS < 0.33
    assert set(tied["event"]) == {"buy"}
    inside = pairs.filter((pl.col("time") == pl.col("time_before")) & (pl.col("item") != pl.col("item_before")))
    assert abs((inside["item"] > inside["item_before"]).mean() - 0.5) < 0.02


def test_time_runs_forward_and_evenly_over_the_year(log: pl.DataFrame, pairs: pl.DataFrame) -> None:
    assert (pairs["time"] >= pairs["time_before"]).all()
    months = log.group_by(pl.col("time").dt.month()).len()["len"]
    assert len(months) == 12
    assert months.max() < 1.6 * months.min()
    assert log["time"].min().year == 2025


def test_users_return_to_their_own_items(log: pl.DataFrame) -> None:
    seen = log.select(pl.int_range(pl.len()).over("user", "item") > 0).to_series()
    strangers = log.with_columns(pl.col("user").shuffle(seed=0)).select(pl.int_range(pl.len()).over("user", "item") > 0)
    assert seen.mean() > 2 * strangers.to_series().mean()


def test_items_call_for_their_successors_far_above_chance(log: pl.DataFrame, pairs: pl.DataFrame) -> None:
    """The ten commonest successors of the last item, learnt on half of the users, against the ten most popular."""
    half = pl.col("user").str.slice(1).cast(pl.Int64) % 2
    learn, check = pairs.filter(half == 0), pairs.filter(half == 1)
    ranked = learn.group_by("item_before", "item").len().sort("len", "item", descending=True)
    successors = ranked.group_by("item_before", maintain_order=True).head(10).select("item_before", "item")
    hits = len(check.join(successors, on=["item_before", "item"], how="semi")) / len(check)
    popular = learn.group_by("item").len().sort("len", descending=True)["item"][:10]
    chance = check["item"].is_in(popular.implode()).mean()
    assert hits > 3 * chance
    assert 0.1 < hits < 0.4
