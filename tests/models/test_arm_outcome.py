from functools import cache

import pytest

from models.arm_outcome import outcome_of, removes_picture, removes_problem
from models.arms import diagnose_arms
from models.config import Training
from models.curves import NormRecord
from models.matched_progress import progress_range
from models.study import ArmRuns, Estimate
from tests.models.simulated_runs import BATCH, simulated

BASE = Training(batch_size=BATCH, epochs=6)
FAR = {"swing": lambda _: 3.0}
"""Weights that never come as far as the base's."""
ARMS = {arm.name: arm for arm in diagnose_arms(BASE, "full")}


@cache
def runs(name: str, **changes: object) -> ArmRuns:
    found = [simulated(config=ARMS[name].training, seed=seed, **changes) for seed in range(3)]
    return ArmRuns(ARMS[name], found)


@cache
def outcome(name: str, **changes: object):
    base = runs("base", dip=0.03)
    within = progress_range(base.runs)
    of_base = outcome_of(base, base, None, within)
    return of_base if name == "base" else outcome_of(runs(name, **changes), base, of_base, within)


def test_the_base_is_described_and_answers_nothing():
    one = outcome("base")
    assert (one.removes_picture, one.removes_problem, one.difference, one.clipped_share) == (None, None, None, None)
    assert (one.seeds, one.run_ids, one.status) == ((0, 1, 2), ("run-0", "run-1", "run-2"), "finished")
    assert {row.curve for row in one.sawtooth} == {
        "train_loss", "train_hr", "probe_loss", "probe_hr", "validation_loss", "validation_hr",
    }  # fmt: skip
    assert {row.over for row in one.at_matched_progress} == {"seeds"}
    assert one.slope_within.low > 0
    assert 0.9 < one.explained.value < 1.5
    assert 0.75 < one.explained_at_least.value < 1.15
    assert one.explained_jump.low < 1 < one.explained_jump.high
    assert one.explained_jump.value == pytest.approx(1, abs=0.15)
    assert one.validation_dip.high < 0
    assert 0 < one.validation_loss_dip.low < 0.01 < one.validation_loss_dip.high  # 0.06 less what is learnt on the way
    assert 0.3 < one.best_at_epoch_ends_hr <= one.best_validation_hr < 0.35
    assert one.probe_loss == pytest.approx(3.7, abs=0.1)


@pytest.mark.parametrize(
    ("name", "changes", "answer"),
    [
        ("fixed-order", {}, "yes"),
        ("replacement", {}, "yes"),
        ("reversed-order", {}, "no"),
        ("sgd-momentum", {}, "no"),
        ("lr-x0.33", FAR, "cannot_tell"),  # never as far as the base
    ],
)
def test_an_arm_removes_the_picture_or_not(name, changes, answer):
    assert outcome(name, **changes).removes_picture == answer


def test_an_arm_that_never_learnt_as_much_removed_nothing():
    one = outcome("lr-x0.33", **FAR)
    assert one.at_matched_progress == ()
    assert one.removes_problem == "cannot_tell"


@pytest.mark.parametrize(("dip", "answer"), [(0.0, "yes"), (0.01, "no"), (0.03, "no")])
def test_an_arm_removes_the_problem_or_not(dip, answer):
    assert outcome("ema-0.999", dip=dip).removes_problem == answer


def test_a_wide_interval_cannot_tell():
    wide = outcome("ema-0.999").model_copy(update={"validation_dip": Estimate(value=-0.01, low=-0.05, high=0.03)})
    assert removes_problem(wide, outcome("base")) == "cannot_tell"
    wide = wide.model_copy(update={"slope_within": Estimate(value=0.0, low=-1.0, high=1.0)})
    assert removes_picture(wide, outcome("base"), 0.75) in {"cannot_tell", "no"}


def test_a_base_without_a_problem_has_none_to_remove():
    no_dip = outcome("base").model_copy(update={"validation_dip": Estimate(value=0.0, low=-0.01, high=0.01)})
    assert removes_problem(outcome("ema-0.999"), no_dip) is None


def test_a_staircase_is_told_by_its_ages():
    one, base = outcome("fixed-order"), outcome("base")
    steps = tuple(
        row.model_copy(update={"excess": -0.2, "low": -0.25, "high": -0.15}) for row in one.at_matched_progress
    )
    stepping = one.model_copy(update={"at_matched_progress": steps})
    assert removes_picture(stepping, base, 0.0) == "yes"
    assert removes_picture(stepping, base, 0.75) == "no"


def test_what_was_clipped_is_told():
    run = simulated(config=ARMS["clip-norm-1"].training)
    run.norms.append(NormRecord(25, 0.25, 1, "gru", "clipped_share", 0.25))  # type: ignore[attr-defined]
    arm = ArmRuns(ARMS["clip-norm-1"], [run])
    base = runs("base", dip=0.03)
    assert outcome_of(arm, base, outcome("base"), progress_range(base.runs)).clipped_share == 0.25


def test_without_a_sure_way_back_in_the_base_the_jump_alone_counts():
    one, base = outcome("fixed-order"), outcome("base")
    unsure = base.model_copy(update={"slope_within": Estimate(value=0.1, low=-0.1, high=0.3)})
    steps = tuple(
        row.model_copy(update={"excess": -0.2, "low": -0.25, "high": -0.15}) for row in one.at_matched_progress
    )
    assert removes_picture(one, unsure, 0.0) == "yes"
    assert removes_picture(one.model_copy(update={"at_matched_progress": steps}), unsure, 0.0) == "cannot_tell"
    assert removes_picture(one.model_copy(update={"at_matched_progress": steps}), unsure, 0.75) == "no"
