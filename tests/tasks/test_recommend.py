"""Lists against the model, user by user."""

import shutil

import numpy as np
import polars as pl
import pytest

from models.config import Compute
from models.errors import ModelError
from models.recommendation import recommend as lists_of
from models.stored import load_model
from tasks.recommend import recommend
from warehouse.config import Extraction
from warehouse.errors import WarehouseError
from warehouse.ingest import manifest_of
from warehouse.policies import Recommendation
from warehouse.snapshot import open_snapshot
from warehouse.store import Store, write_json

SOURCE = "synthetic-3000-60-0"


@pytest.fixture(scope="module")
def store(tiny_run, tmp_path_factory):
    """Return a store that the tests may write into."""
    path = tmp_path_factory.mktemp("recommend") / "store"
    shutil.copytree(tiny_run.store, path)
    return path


def asked(store, run, users=None, output=None, compute=Compute(device="cpu", threads=1), **settings):
    return recommend(
        run, "250k", None, users, output, Recommendation(**settings), compute, Extraction(threads=1), str(store)
    )


def raw_log(store) -> pl.DataFrame:
    folder = Store(store).events(SOURCE)
    batches = manifest_of(folder)["batches"]
    return pl.concat(pl.read_parquet(folder / one["batch"] / "events.parquet") for one in batches).sort(
        "user", "moment", maintain_order=True
    )


@pytest.mark.parametrize("seen", ["keep", "drop"])
def test_each_users_list_is_the_models_for_its_last_ten_items(store, tiny_run, seen):
    made = asked(store, tiny_run.run_id, k=5, seen=seen)
    table = pl.read_parquet(made.file)
    where = Store(store)
    snapshot, model = open_snapshot(where.dataset(tiny_run.dataset_id)), load_model(where.run(tiny_run.run_id))
    assert snapshot.manifest["ties"]["choice"] == "source"  # as the loop below has it
    ids = snapshot.item_ids()
    code = {item: place + 1 for place, item in enumerate(ids)}
    users = raw_log(store).group_by("user", maintain_order=True).agg("item")
    assert (made.users, made.by_model) == (len(users), len(users))
    assert table["user"].unique(maintain_order=True).to_list() == users["user"].to_list()
    for user, items in list(users.iter_rows())[::5]:
        own = table.filter(pl.col("user") == user)
        history = [code[item] for item in items if item in code]
        codes, scores = lists_of(model, [history], len(ids))
        order = [at for at in range(len(ids)) if seen == "keep" or codes[0, at] not in history][:5]
        assert own["item"].to_list() == [ids[codes[0, at] - 1] for at in order]
        assert own["rank"].to_list() == list(range(1, len(order) + 1))
        np.testing.assert_allclose(own["score"], scores[0, order], rtol=1e-4)
    assert made.rows == len(table)


def test_those_without_history_get_the_popular_items_marked(store, tiny_run, tmp_path):
    some = raw_log(store)["user"][0]
    (tmp_path / "users.txt").write_text(f"nobody\n{some}\n")
    made = asked(store, tiny_run.run_id, str(tmp_path / "users.txt"), str(tmp_path / "out.parquet"), k=3)
    assert (made.file, made.users, made.by_model, made.by_popularity, made.rows) == (
        str(tmp_path / "out.parquet"), 2, 1, 1, 6,
    )  # fmt: skip
    table = pl.read_parquet(made.file)
    nobody = table.filter(pl.col("user") == "nobody")
    snapshot = open_snapshot(Store(store).dataset(tiny_run.dataset_id))
    targets = snapshot.arrays["items"][snapshot.arrays["train_ends"]]
    counts = np.bincount(targets, minlength=snapshot.n_items + 1)[1:]
    assert nobody["made_by"].to_list() == ["popularity"] * 3
    assert nobody["score"].to_list() == sorted(counts, reverse=True)[:3]
    assert table.filter(pl.col("user") == some)["made_by"].to_list() == ["model"] * 3
    assert table.select("run_id", "dataset_id").unique().rows() == [(tiny_run.run_id, tiny_run.dataset_id)]


def test_who_has_had_everything_gets_a_shorter_list(store, tiny_run):
    vocabulary = open_snapshot(Store(store).dataset(tiny_run.dataset_id)).n_items
    made = asked(store, tiny_run.run_id, k=vocabulary, seen="drop")
    lengths = pl.read_parquet(made.file).group_by("user").len()
    seen = raw_log(store).group_by("user").agg(pl.col("item").n_unique())
    both = lengths.join(seen, on="user")
    assert (both["len"] + both["item"] >= vocabulary).all()
    assert (both["len"] < vocabulary).all()


@pytest.mark.parametrize(
    ("run", "settings", "said"),
    [
        ("nothing", {}, "run nothing is not in the store"),
        ("../runs", {}, "is not a name in the store"),
        ("champion", {}, "there is no champion of size 250k yet"),
    ],
)
def test_a_run_that_is_not_there_is_said(store, run, settings, said):
    with pytest.raises(WarehouseError, match=said):
        asked(store, run, **settings)


def test_what_cannot_be_made_leaves_the_old_file(store, tiny_run, tmp_path):
    made = asked(store, tiny_run.run_id, k=2)
    before = pl.read_parquet(made.file)
    with pytest.raises(ModelError, match="k is 1000, but the vocabulary has"):
        asked(store, tiny_run.run_id, k=1000)
    with pytest.raises(WarehouseError, match="cannot be read"):
        asked(store, tiny_run.run_id, str(tmp_path / "no users here"))
    assert pl.read_parquet(made.file).equals(before)


def test_an_altered_run_is_not_used(tiny_run, tmp_path):
    shutil.copytree(tiny_run.store, tmp_path / "store")
    write_json(tmp_path / "store" / "runs" / tiny_run.run_id / "config.json", {})
    with pytest.raises(WarehouseError, match=r"config\.json was altered"):
        asked(tmp_path / "store", tiny_run.run_id)
