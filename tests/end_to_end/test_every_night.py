"""What follows a night on a real server, asked for as CI does: a drop is told, users get lists, the store is pruned."""

import json
from typing import Any

import polars as pl
import pytest

from tests.end_to_end.conftest import Mailbox
from tests.end_to_end.serving import TINY, Served, wait_for

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


def asked(served: Served, deployment: str, parameters: dict[str, Any]) -> None:
    """Ask for a run and wait for its end."""
    done = served.prefect("deployment", "run", deployment, "--watch", "--params", json.dumps(parameters))
    assert done.returncode == 0, done.stdout


def night(training: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a night of the larger size."""
    windows = {**TINY["dataset"], "train_windows": 510}  # no other test asks for as many: a dataset has one size
    return {**TINY, "dataset": windows, "training": {**TINY["training"], **training}}


def texts(mailbox: Mailbox) -> list[str]:
    """Return what was posted."""
    return [post["body"]["text"] for post in mailbox.posts]


@pytest.fixture(scope="module")
def two_nights(served: Served) -> None:
    """Run a good night and one that learns nothing."""
    asked(served, "nightly/5.5m", night({"epochs": 8, "optimizer": {"lr": 0.01}}))
    asked(served, "nightly/5.5m", night({"max_steps": 1, "optimizer": {"lr": 1e-6}}))


@pytest.mark.usefixtures("two_nights")
def test_a_night_that_drops_is_told_and_does_not_replace_the_champion(served: Served, mailbox: Mailbox) -> None:
    about = "synthetic-3000-60-0, 5.5m"
    [post] = wait_for(lambda: [each for each in texts(mailbox) if about in each], "post")
    assert post.startswith("Quality dropped: synthetic-3000-60-0, 5.5m: hr@10 on test is ")
    told = served.command("flows", "champions", "--store", str(served.folder / "store"))
    lines = told.stdout.partition("synthetic-3000-60-0, 5.5m")[2].partition("champion of")[0].splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["kept", "promoted"]


@pytest.mark.usefixtures("two_nights")
def test_the_champion_recommends_to_every_user(served: Served) -> None:
    asked(served, "recommend/users", {"size": "5.5m", "recommendation": {"k": 3}})
    [file] = (served.folder / "store" / "recommendations").rglob("5.5m.parquet")
    lists = pl.read_parquet(file)
    assert lists["rank"].max() == 3
    assert lists["run_id"].n_unique() == 1


@pytest.mark.usefixtures("two_nights")
def test_pruning_says_what_would_go(served: Served) -> None:
    before = sorted((served.folder / "store" / "runs").iterdir())
    asked(served, "prune/store", {})
    assert sorted((served.folder / "store" / "runs").iterdir()) == before
