"""The champion's lists, by one command."""

import json
import shutil

import polars as pl

from flows.command_line import main


def test_the_champion_recommends_to_everyone(tiny_night, tmp_path, capsys):
    store = tmp_path / "store"
    shutil.copytree(tiny_night.store, store)
    assert main(["recommend", "--store", str(store), "--recommendation.k", "4", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["file"] == str(store / "recommendations" / tiny_night.night["source"] / "250k.parquet")
    table = pl.read_parquet(made["file"])
    assert (len(table), table["user"].n_unique()) == (made["rows"], made["users"])
    assert table["run_id"].unique().to_list() == [tiny_night.night["run_id"]]
    assert not list((store / "work").rglob("*.parquet"))


def test_a_list_of_users_that_is_not_there_is_one_line(tiny_night, tmp_path, capsys):
    words = ["recommend", "--store", str(tiny_night.store), "--users", "nowhere.txt", "--output", str(tmp_path / "x")]
    assert main(words) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: nowhere.txt cannot be read (No such file")
    assert list(tmp_path.iterdir()) == []
