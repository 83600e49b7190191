from dataclasses import replace

import pytest

from models.arms import diagnose_arms
from models.config import Training
from models.errors import ModelError
from models.study import ArmRuns, StudyVerdict
from models.study_verdict import conclude
from tests.models.simulated_runs import BATCH, simulated

BASE = Training(batch_size=BATCH, epochs=6)
ARMS = {arm.name: arm for arm in diagnose_arms(BASE, "full")}


def runs(name: str, n_seeds: int = 2, **changes: object) -> ArmRuns:
    return ArmRuns(ARMS[name], [simulated(config=ARMS[name].training, seed=seed, **changes) for seed in range(n_seeds)])


@pytest.fixture(scope="module")
def study() -> StudyVerdict:
    names = {"fixed-order": {}, "replacement": {}, "reversed-order": {"dip": 0.04}, "sgd-momentum": {"dip": 0.03}}
    arms = [runs(name, **changes) for name, changes in names.items()]
    return conclude([runs("base", 3, dip=0.03), *arms, runs("ema-0.999", level=0.33)])


def test_memory_is_convicted_by_the_arms(study):
    assert (study.leading, study.is_issue, study.next_experiment) == ("H1", "yes", "None is needed.")
    assert [arm.name for arm in study.arms][:2] == ["base", "fixed-order"]
    assert {arm.name: arm.removes_picture for arm in study.arms[1:]} == {
        "fixed-order": "yes", "replacement": "yes", "reversed-order": "no", "sgd-momentum": "no", "ema-0.999": "no",
    }  # fmt: skip
    said = [piece.statement for piece in study.hypotheses[0].evidence]
    assert any(statement.startswith("arm fixed-order: the picture goes") for statement in said)
    assert "Without the dip: ema-0.999 (best hit ratio +" in study.advice
    assert study.suggested_clip == pytest.approx(1.064, abs=0.01)  # norms are normal, 1 and 0.05


def test_a_swing_that_no_order_removes_is_not_memory():
    swing = {"remembered": 0.0, "swing": lambda epoch: 0.4 * ((epoch - 1e-9) % 1)}
    found = conclude([runs("base", **swing), runs("fixed-order", **swing), runs("replacement", **swing)])
    assert [arm.removes_picture for arm in found.arms[1:]] == ["no", "no"]
    assert found.leading != "H1"
    memory = next(each for each in found.hypotheses if each.id == "H1")
    assert memory.support < 0.05


def test_it_comes_back_from_json(study):
    assert StudyVerdict.model_validate_json(study.model_dump_json()) == study


def test_a_base_alone_is_a_study():
    found = conclude([runs("base", 1), ArmRuns(ARMS["fixed-order"], [])])
    assert [arm.name for arm in found.arms] == ["base"]
    assert found.leading == "H1"


def test_a_base_without_steps_has_no_clip_to_suggest():
    bare = replace(simulated(), steps=[])
    assert conclude([ArmRuns(ARMS["base"], [bare])]).suggested_clip is None


@pytest.mark.parametrize("arms", [[], [ArmRuns(ARMS["base"], [])], [ArmRuns(ARMS["fixed-order"], [simulated()])]])
def test_a_study_without_its_base_is_refused(arms):
    with pytest.raises(ModelError, match="base first among its arms"):
        conclude(arms)
