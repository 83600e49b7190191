"""The recipe from end to end, without a server."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from flows.command_line import main
from models.state import take_step
from models.stored import load_model
from tests.flows.conftest import words_for
from warehouse.store import Store
from warehouse.views import answered


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def last_line(capsys) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_a_night_leaves_a_whole_run(tiny_night):
    names = {str(path.relative_to(tiny_night.run)) for path in tiny_night.run.rglob("*") if path.is_file()}
    assert names == {
        "DONE", "config.json", "training.json", "run.json", "report.html", "figures/curves.png", "model.json",
        "model.safetensors", "curve_points.parquet", "steps.parquet", "norms.parquet", "forgetting.parquet",
        "quarters.parquet", "watched.parquet", "ranks.parquet", "scores.parquet", "judged.json", "verdict.json",
        "champion.json",
    }  # fmt: skip
    assert tiny_night.night["status"] == "finished"
    assert not tiny_night.night["reused"]


def test_flows_are_imported_without_what_a_cached_night_does_not_need():
    """scipy.stats and matplotlib were a third of the time before anything runs, torch half of the rest."""
    say = "import sys, flows.nightly, flows.diagnose, flows.sweep, flows.read_curves; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "flows.nightly" in imported
    assert not imported & {"torch", "scipy.stats", "scipy.sparse", "matplotlib.figure", "pandas", "IPython"}


def test_nothing_unfinished_is_left_behind(tiny_night):
    left = [path for path in (tiny_night.store / "work").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []


def test_every_step_and_every_evaluation_is_kept(tiny_night):
    steps = pl.read_parquet(tiny_night.run / "steps.parquet")
    assert steps["step"].to_list() == list(range(1, 65))  # 2 epochs of 32 steps: 2,000 windows by 64, the last of 16
    assert steps["count"].to_list() == ([64] * 31 + [16]) * 2
    points = pl.read_parquet(tiny_night.run / "curve_points.parquet")
    places = points.select("step", "epoch", "phase").unique().sort("step").rows()
    assert places == [(8 * n, n / 4, (n - 1) % 4 + 1) for n in range(1, 9)]
    running = points.filter((pl.col("estimator") == "train_running") & (pl.col("metric") == "loss"))
    assert running["count"].to_list() == [512, 512, 512, 464] * 2
    assert running["sum"].sum() == pytest.approx((steps["loss_nats"] * steps["count"]).sum(), rel=1e-5)


def test_ages_and_quarters_of_the_data_are_kept(tiny_night):
    forgetting = pl.read_parquet(tiny_night.run / "forgetting.parquet")
    first = forgetting.filter(pl.col("age_low_epochs").is_null())
    assert (first["epoch"].unique().to_list(), first["count"].sum()) == ([1], 2_000)
    assert forgetting.filter(pl.col("epoch") == 2)["count"].sum() == 2_000
    quarters = pl.read_parquet(tiny_night.run / "quarters.parquet")
    assert quarters["count"].to_list() == [512, 512, 512, 464] * 2
    assert quarters["order_hash"].n_unique() == 8
    assert quarters["time_mean"].null_count() == 0


def test_a_night_says_why_its_curves_saw(tiny_night):
    verdict = json.loads((tiny_night.run / "verdict.json").read_text())
    assert tiny_night.night["is_issue"] == verdict["is_issue"]
    assert tiny_night.night["verdict"]
    watched = pl.read_parquet(tiny_night.run / "watched.parquet")
    assert len(watched) == 8 * 200  # every evaluation's 200 windows


def test_the_same_question_is_answered_from_the_store(tiny_night, capsys):
    before = tree(tiny_night.store)
    assert main([*tiny_night.words, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {**tiny_night.night, "reused": True}
    assert "nothing new" in err
    assert tree(tiny_night.store) == before


def test_the_command_in_the_report_asks_the_same_again(tiny_night):
    run = json.loads((tiny_night.run / "run.json").read_text())
    words = run["command"].split()
    assert words[:4] == ["python", "-m", "flows", "nightly"]
    assert main([*words[3:], "--store", str(tiny_night.store), "--compute.threads", "1"]) == 0
    assert len(list((tiny_night.store / "runs").iterdir())) == 1


def test_the_store_answers_sql_about_the_night(tiny_night):
    query = "SELECT test_hr, popularity_hr, runs.config->>'$.epochs' FROM runs JOIN datasets USING (dataset_id)"
    with answered(Store(tiny_night.store), query) as connection:
        rows = connection.fetchall()
    assert rows == [(tiny_night.night["test_hr"], tiny_night.night["popularity_hr"], "2")]


def test_the_stored_model_loads_with_models_alone(tiny_night):
    assert load_model(tiny_night.run).n_items == 80


def test_another_seed_is_another_run_on_the_same_dataset(tiny_night, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(tiny_night.store, store)
    assert main(words_for(store, training__seed=1, training__max_steps=5)) == 0
    assert len(list((store / "runs").iterdir())) == 2
    assert len(list((store / "datasets").iterdir())) == 1


def test_an_altered_file_is_never_served(tiny_night, tmp_path, capsys):
    store = tmp_path / "store"
    shutil.copytree(tiny_night.store, store)
    model = next((store / "runs").glob("*/model.safetensors"))
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    assert main(words_for(store)) == 1
    assert f"{model} was altered" in last_line(capsys)


def test_a_night_cut_off_after_training_goes_on_there(tmp_path, monkeypatch, capsys):
    store = tmp_path / "store"
    with monkeypatch.context() as patched:
        patched.setattr("tasks.report.render_report", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            main(words_for(store))
    assert not (store / "runs").exists()
    capsys.readouterr()
    assert main(words_for(store)) == 0
    assert "training on dataset" not in capsys.readouterr().err
    assert len(list((store / "runs").iterdir())) == 1


def test_a_damaged_draft_is_trained_anew(tmp_path, monkeypatch, capsys):
    store = tmp_path / "store"
    with monkeypatch.context() as patched:
        patched.setattr("tasks.report.render_report", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            main(words_for(store))
    next((store / "work" / "runs").glob("*/model.safetensors")).write_bytes(b"cut")
    assert main(words_for(store)) == 0
    assert "training on dataset" in capsys.readouterr().err


def test_a_diverged_training_is_stored_and_said(tmp_path, monkeypatch, capsys):
    def step_that_breaks_after_forty(state, batch, scoring):
        if state.step == 40:
            next(state.model.parameters()).data.fill_(float("nan"))
        return take_step(state, batch, scoring)

    monkeypatch.setattr("models.training.take_step", step_that_breaks_after_forty)
    store = tmp_path / "store"
    code = main(words_for(store))
    said = last_line(capsys)
    with answered(Store(store), "SELECT status, stopped_at, test_hr FROM runs") as connection:
        ((status, stopped_at, test_hr),) = connection.fetchall()
    assert (code, status, stopped_at) == (1, "diverged", 41)
    assert test_hr > 0  # of the last good evaluation
    assert "step 41 met a loss, gradient or score that is not finite" in said
    assert "diverged" in next((store / "runs").glob("*/report.html")).read_text().lower()
    assert main(words_for(store)) == 1  # asked again: the same answer, not trained again
    assert "is in the store" in capsys.readouterr().err
