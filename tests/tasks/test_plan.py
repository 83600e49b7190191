"""Arms become runs whose ids are those that nightly gives them."""

from dataclasses import replace

import pytest

from models.errors import ModelError
from tasks.plan import add_clip_arms, plan_arms
from tasks.train import code_version
from tests.tasks.conftest import TINY
from warehouse.config import Diagnosis, Sweep
from warehouse.runs import run_id_of


def sweep_of(**settings):
    return plan_arms(replace(TINY, study=Sweep(**settings)), "d")


def diagnosis_of(**settings):
    return plan_arms(replace(TINY, study=Diagnosis(**settings)), "d")


def test_a_sweep_has_each_rate_on_each_seed():
    plan = sweep_of(rates=(0.01, 0.003), seeds=2)
    runs = list(plan.runs(plan.arms))
    assert [str(run) for run in runs] == ["lr-0.003-seed-0", "lr-0.003-seed-1", "lr-0.01-seed-0", "lr-0.01-seed-1"]
    assert [run.training.optimizer.lr for run in runs] == [0.003, 0.003, 0.01, 0.01]
    assert [run.training.seed for run in runs] == [0, 1, 0, 1]
    assert plan.n_runs == 4


def test_a_run_has_the_id_that_a_night_gives_it():
    plan = sweep_of(rates=(0.003,), seeds=2)
    second = TINY.training.model_copy(update={"seed": 1})
    expected = run_id_of("d", second.model_dump(mode="json"), code_version())
    assert plan.base_runs()[1].run_id == expected
    assert plan.base_runs()[0].run_id != expected


def test_the_planned_base_is_the_run_that_was_made(tiny_run):
    plan = plan_arms(TINY, tiny_run.dataset_id)
    assert [run.run_id for run in plan.base_runs()] == [tiny_run.run_id]


def test_a_diagnosis_repeats_the_main_arms():
    plan = diagnosis_of(depth="main", seeds=3)
    seeds = {arm.name: len(list(plan.runs([arm]))) for arm in plan.arms}
    assert seeds["base"] == seeds["fixed-order"] == 3
    assert seeds["layer-norm"] == 1


def test_runs_that_are_known_later_count_beforehand(tiny_run):
    question = replace(TINY, study=Diagnosis(seeds=1, depth="main"), store=str(tiny_run.store))
    plan = plan_arms(question, tiny_run.dataset_id)
    assert plan.n_later == 1
    clipped = add_clip_arms(plan)
    assert clipped.n_runs == plan.n_runs
    assert clipped.n_later == 0
    (added,) = set(clipped.arms) - set(plan.arms)
    assert added.training.clip.name == "norm"
    assert added.training.clip.threshold > 0


def test_a_sweep_clips_nothing():
    plan = sweep_of()
    assert add_clip_arms(plan) is plan


def test_without_gradients_to_go_by_a_diagnosis_goes_on(tiny_run, monkeypatch, caplog):
    def refuse(_runs):
        message = "no step has a norm"
        raise ModelError(message)

    monkeypatch.setattr("tasks.plan.suggested_clip", refuse)
    question = replace(TINY, study=Diagnosis(seeds=1, depth="main"), store=str(tiny_run.store))
    plan = plan_arms(question, tiny_run.dataset_id)
    with caplog.at_level("INFO", logger="sawtooth"):
        without = add_clip_arms(plan)
    assert (without.arms, without.n_later) == (plan.arms, 0)
    assert "no arm clips at what the base suggests: no step has a norm" in caplog.messages


@pytest.mark.parametrize(("study", "kind"), [(Sweep(), "sweep"), (Diagnosis(), "diagnose")])
def test_a_question_knows_its_kind(study, kind):
    question = replace(TINY, study=study)
    assert question.kind == kind
