import json

import pytest

from flows.command_line import main, options_of, parsed
from flows.nightly import nightly
from models.config import Training


def asked(*words: str):
    return parsed("nightly", options_of(nightly.fn), list(words))


def test_options_are_the_flows_parameters():
    said = asked("--training.optimizer.lr", "0.01", "--size", "5.5m", "--source.preset=movielens_1m")
    assert (said.training.optimizer.lr, said.size, said.source.preset) == (0.01, "5.5m", "movielens_1m")
    assert asked().training == Training()


def test_underscores_and_dashes_are_the_same():
    assert asked("--training.batch_size", "7").training == asked("--training.batch-size=7").training


def test_lists_are_said_as_json_or_with_commas():
    assert asked("--training.cutoffs", "5,20").training.cutoffs == (5, 20)
    filters = '[{"column": "say \\"qty\\"", "operator": ">", "value": "0"}]'
    assert asked("--source.preset", "custom", "--source.filters", filters).source.filters[0].column == 'say "qty"'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nightly", "--foo", "3"], "unrecognized arguments: --foo 3"),
        (["nightly", "stray"], "unrecognized arguments: stray"),
        (
            ["nightly", "--training.batch-size", "0"],
            "--training.batch-size: Input should be greater than or equal to 1",
        ),
        (["nightly", "--training.cutoffs", "0"], "--training.cutoffs.0: Input should be greater than or equal to 1"),
        (["nightly", "--training.cutoffs", "5,5"], "a cutoff is said twice"),
        (["nightly", "--size", "7m"], "--size: Input should be '250k'"),
        (["nightly", "--training.epochs"], "argument --training.epochs: expected one argument"),
        (["nightly", "--dataset.split.train-until", "0.97"], "must be before validation_until"),
        (["nightly", "--dataset.split.train-until", "soon"], "neither a share between 0 and 1 nor a date"),
        (["nightly", "--source.filters", "[{"], "--source.filters"),
        (["nope"], "there is no flow 'nope'"),
        (["serve", "--port", "0"], "--port: Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_question_is_one_line_and_exit_code_2(words, said, capsys):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_without_a_name_usage_is_shown(capsys):
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert "nightly" in capsys.readouterr().out


def test_help_lists_every_option_with_its_meaning(capsys):
    with pytest.raises(SystemExit) as left:
        main(["nightly", "--help"])
    assert left.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for option in ("--training.optimizer.lr", "--dataset.split.train-until", "--source.columns.user", "--store"):
        assert option in text
    assert "Learning rate (above 0, at most 10)" in text
    assert "(default: None)" not in text


def test_the_environment_changes_no_option(monkeypatch):
    monkeypatch.setenv("SIZE", "5.5m")
    monkeypatch.setenv("TRAINING__EPOCHS", "99")
    assert asked().size == "250k"
    assert asked().training.epochs == Training().epochs


def test_a_failed_night_is_one_line_and_exit_code_1(tmp_path, capsys):
    code = main(
        ["nightly", "--source.preset", "movielens_1m", "--source.path", "nowhere.dat", "--store", str(tmp_path)]
    )
    assert code == 1
    assert capsys.readouterr().err.splitlines()[-1] == "error: nowhere.dat: no such file; check --source.path"


def test_json_goes_to_standard_output_alone(tiny_night, capsys):
    assert main([*tiny_night.words, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["run_id"] == tiny_night.night["run_id"]
    assert "is in the store" in err


def test_an_error_is_one_line_whatever_it_quotes(capsys):
    assert main(["nightly", "--size", "\x1b[2J\n\v\udc80" + "x" * 5000]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert "\\x1b[2J" in line
    assert len(line) < 2000


@pytest.mark.parametrize("store", ["9" * 400, "a\0b"])
def test_a_store_that_cannot_be_named_is_said(store, capsys):
    assert main(["champions", "--store", store]) == 1
    assert capsys.readouterr().err.startswith("error: ")
