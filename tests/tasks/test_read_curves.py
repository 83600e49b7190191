import numpy as np
import pytest

from models.curve_set import CurveSet
from models.curve_verdict import judge
from tasks.read_curves import CurveColumns, judge_curves, verdict_page
from tests.models.curve_cases import EPOCHS, LAG, MEMORY, WEIGHTS, Case


@pytest.fixture
def curves(tmp_path):
    noise = 0.01 * np.random.default_rng(0).standard_normal((3, 24))
    lines = ["run,epoch,train_loss,probe_loss,val_loss"]
    for seed in range(3):
        for place, epoch in enumerate(EPOCHS):
            train = WEIGHTS[place] + LAG[place] + MEMORY[place] + noise[seed, place]
            lines.append(f"{seed},{epoch},{train},{WEIGHTS[place] - 0.2},{WEIGHTS[place] + 0.5}")
    path = tmp_path / "curves.csv"
    path.write_text("\n".join(lines))
    return path


def test_runs_in_one_file_are_pooled_as_seeds(curves):
    verdict = judge_curves(str(curves), CurveColumns(), None, None)
    assert {one.over for one in verdict.sawtooth} == {"seeds"}
    assert {one.boundaries for one in verdict.sawtooth} == {15}
    assert verdict.leading == "H1"


def test_columns_and_evaluations_can_be_said(curves):
    said = CurveColumns(train_loss="probe_loss", run="run", epoch="epoch")
    verdict = judge_curves(str(curves), said, 2, 1_000)
    assert verdict.period == "2 evaluations an epoch, as said"
    assert verdict.sawtooth[0].direction == "none"


def test_the_page_has_the_answer_and_the_tables():
    page = verdict_page(judge(Case().of("memory_with_dip"), "4 an epoch"), "a|b.csv")
    assert page.startswith("# H1, re-exposure")
    assert "Is it an issue: **yes**" in page
    assert "| train_loss | -0." in page
    assert "(x 5)" in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert len(tables) == 2 + 3 + 2 + 8


def test_an_unknown_number_is_said_so():
    few = CurveSet({"train_loss": (Case().one(WEIGHTS)[0],)})
    verdict = judge(few, "")
    one = verdict.sawtooth[0].model_copy(update={"low": None, "high": None})
    assert "unknown to unknown" in verdict_page(verdict.model_copy(update={"sawtooth": (one,)}), "f")
