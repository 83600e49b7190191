"""Pruning from the shell: a look unless asked."""

import json
import shutil

from flows.command_line import main
from tests.warehouse.test_pruning import aged


def test_a_young_champions_store_loses_only_what_is_old(tiny_night, tmp_path, capsys):
    store = tmp_path / "store"
    shutil.copytree(tiny_night.store, store)
    run = store / "runs" / tiny_night.night["run_id"]
    shutil.copytree(run, store / "runs" / "twin")
    aged(store / "runs")
    aged(store / "datasets")
    words = ["prune", "--store", str(store), "--keep.newest", "1", "--keep.best", "0"]
    assert main(words) == 0
    assert "would remove 1 of" in capsys.readouterr().out
    assert main([*words, "--apply", "true", "--format", "json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["items"]
    assert one["name"] == "twin"
    assert run.is_dir()
    assert [path.name for path in (store / "runs").iterdir()] == [run.name]
    assert len(list((store / "datasets").iterdir())) == 1


def test_a_policy_that_keeps_nothing_is_refused(capsys):
    assert main(["prune", "--keep.newest", "0"]) == 2
    assert "--keep.newest: Input should be greater than or equal to 1" in capsys.readouterr().err
