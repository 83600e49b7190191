"""The verdict on somebody's curves, from the shell and from a flow run."""

import json

import numpy as np
import pytest

from flows.command_line import main
from flows.read_curves import read_curves
from tests.models.curve_cases import EPOCHS, LAG, MEMORY, WEIGHTS


@pytest.fixture
def csv(tmp_path):
    noise = 0.01 * np.random.default_rng(0).standard_normal((2, 24))
    train, validation = WEIGHTS + LAG + MEMORY + noise[0], WEIGHTS + 0.5 + noise[1]
    rows = [f"{100 * e:.0f},{e},{t},{v}" for e, t, v in zip(EPOCHS, train, validation, strict=True)]
    path = tmp_path / "curves.csv"
    path.write_text("\n".join(["step,epoch,train_loss,val_loss", *rows]))
    return path


def test_a_file_is_said_by_its_place(csv, capsys):
    assert main(["read-curves", str(csv)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("cause: cannot tell H")
    assert "train loss is 'train_loss', validation loss is 'val_loss'" in err


def test_json_is_the_verdict_alone(csv, capsys):
    assert main(["read-curves", str(csv), "--format", "json", "--validation-windows", "10000"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["leading"] is None
    assert {"H1", "H2"} <= set(found["not_separated"])
    assert found["sawtooth"][0]["curve"] == "train_loss"
    assert found["sawtooth"][0]["direction"] == "down"


def test_options_reach_the_reader(csv, capsys):
    words = ["--columns.train-loss", "val_loss", "--evaluations-per-epoch", "8", "--format", "json"]
    assert main(["read-curves", str(csv), *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["period"] == "8 evaluations an epoch, as said"
    assert [one["curve"] for one in found["sawtooth"]] == ["train_loss"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "required: FILE"),
        (["nowhere.csv"], 1, "nowhere.csv: no such file"),
        (["{csv}", "--columns.lr", "nope"], 1, "no column 'nope' for --columns.lr"),
        (["{csv}", "--evaluations-per-epoch", "1"], 2, "--evaluations-per-epoch: Input should be greater"),
        (["{csv}", "--validation-windows", "0"], 2, "--validation-windows: Input should be greater"),
        (["{csv}", "{csv}"], 2, "unrecognized arguments"),
    ],
)
def test_what_is_wrong_is_one_line(csv, words, code, said, capsys):
    assert main(["read-curves", *(word.format(csv=csv) for word in words)]) == code
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_help_says_what_can_be_read(capsys):
    with pytest.raises(SystemExit):
        main(["read-curves", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "read-curves FILE [--option VALUE ...]" in text
    for word in ("trainer_state.json", "TensorBoard", "--columns.validation-hr", "--evaluations-per-epoch"):
        assert word in text


def test_the_form_describes_every_parameter():
    shown = read_curves.parameters.model_dump()["properties"]
    assert set(shown) == {"file", "columns", "evaluations_per_epoch", "validation_windows"}
    assert all(each.get("description") for each in shown.values())


@pytest.mark.server
@pytest.mark.usefixtures("prefect_server")
def test_a_flow_run_publishes_the_verdict(csv):
    from prefect.artifacts import Artifact

    verdict = read_curves(str(csv))
    artifact = Artifact.get("curve-verdict")
    assert artifact.data.startswith("# cannot tell")
    assert str(csv) in artifact.data
    assert verdict.leading is None
