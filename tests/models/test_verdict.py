import pytest
from pydantic import ValidationError

from models.curve_verdict import judge
from models.verdict import CurveVerdict
from tests.models.curve_cases import Case

FOUND = judge(Case().of("memory"), "4 evaluations an epoch")


def test_it_is_text_for_people_with_the_answer_first():
    lines = str(FOUND).splitlines()
    assert lines[0].startswith("cause: H1, re-exposure")
    assert lines[1] == "issue: no"
    assert "period: 4 evaluations an epoch" in lines
    assert any(line.startswith("  train_loss") and "5 boundaries" in line for line in lines)


def test_the_headline_says_what_is_open():
    assert judge(Case().of("train_only"), "").headline().startswith("cannot tell H")
    assert judge(Case().of("overfit"), "").headline() == "none that these curves show"


def test_it_comes_back_from_json_and_refuses_what_it_does_not_know():
    assert CurveVerdict.model_validate_json(FOUND.model_dump_json()) == FOUND
    with pytest.raises(ValidationError):
        CurveVerdict.model_validate({**FOUND.model_dump(), "stray": 1})


def test_a_boundary_without_interval_is_said():
    one = FOUND.sawtooth[0].model_copy(update={"low": None, "high": None})
    assert "no interval" in str(FOUND.model_copy(update={"sawtooth": (one,)}))
    assert "none could be measured" in str(FOUND.model_copy(update={"sawtooth": ()}))
