"""The champion before, back by one command."""

import shutil

import pytest

from flows.command_line import main
from warehouse.champions import record, standing_of
from warehouse.store import Store


@pytest.fixture
def two(tiny_night, tmp_path):
    """Return a store whose champion is a twin of the night's run, which was it before."""
    store, night = tmp_path / "store", tiny_night.night
    shutil.copytree(tiny_night.store, store)
    shutil.copytree(store / "runs" / night["run_id"], store / "runs" / "twin")
    standing = standing_of(Store(store), night["source"], "250k")
    twin = standing.history[0].model_copy(update={"run_id": "twin", "champion": "twin"})
    record(Store(store), standing, twin)
    return store


def test_the_one_before_is_back_and_the_history_says_so(two, tiny_night, capsys):
    assert main(["rollback", "--size", "250k", "--store", str(two)]) == 0
    first, newest, *_ = capsys.readouterr().out.splitlines()
    assert f"run {tiny_night.night['run_id']}" in first
    assert "rolled back" in newest
    assert "asked for, in the place of twin" in newest
    assert main(["rollback", "--to", "twin", "--source", tiny_night.night["source"], "--store", str(two)]) == 0
    assert "run twin" in capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--to", "nobody"], 1, "run nobody never was a champion"),
        (["--size", "1m"], 1, "there is no champion of size 1m yet"),
        (["--source", "elsewhere"], 1, "there is no champion of elsewhere of size 250k yet"),
        (["--source", "../x"], 1, "there is no champion of ../x"),
        (["--size", "3m"], 2, "--size: Input should be '250k'"),
    ],
)
def test_what_cannot_be_put_back_is_one_line(two, words, code, said, capsys):
    assert main(["rollback", "--store", str(two), *words]) == code
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith("error: ")
    assert said in err[-1]


def test_the_first_has_none_before(tiny_night, capsys):
    assert main(["rollback", "--store", str(tiny_night.store)]) == 1
    assert "there is none before it" in capsys.readouterr().err
