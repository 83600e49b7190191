from dataclasses import replace

import pytest

from models.arms import clip_arms, diagnose_arms, seeds_of, suggested_clip, sweep_arms
from models.config import Training
from models.errors import ModelError
from tests.models.simulated_runs import simulated

BASE = Training(seed=7)


def changed(first: dict, second: dict, path: str = "") -> set[str]:
    found = set()
    for name in first:
        if isinstance(first[name], dict) and isinstance(second[name], dict):
            found |= changed(first[name], second[name], f"{path}{name}.")
        elif first[name] != second[name]:
            found.add(f"{path}{name}")
    return found


@pytest.mark.parametrize("depth", ["quick", "full"])
@pytest.mark.parametrize("order", ["reshuffle", "fixed"])
def test_arms_are_different_questions_about_one_base(depth, order):
    base = BASE.model_copy(update={"order": order})
    arms = diagnose_arms(base, depth)
    assert (arms[0].name, arms[0].kind, arms[0].training) == ("base", "base", base)
    assert len({arm.name for arm in arms}) == len(arms)
    assert len({arm.training.model_dump_json() for arm in arms}) == len(arms)
    assert {arm.training.seed for arm in arms} == {7}
    assert all(arm.asks.endswith(("?", ".")) for arm in arms)
    assert ("reshuffle" in {arm.name for arm in arms}) == (order == "fixed" and depth == "full")


def test_an_arm_changes_one_named_thing():
    arms = {arm.name: changed(BASE.model_dump(), arm.training.model_dump()) for arm in diagnose_arms(BASE, "full")}
    assert arms["fixed-order"] == {"order"}
    assert arms["lr-x3.33"] == {"optimizer.lr"}
    assert arms["beta2-0.9"] == {"optimizer.beta2"}
    assert arms["cosine-decay"] == {"schedule.name"}
    assert arms["warm-up"] == {"schedule.warmup"}
    assert arms["sgd-momentum"] == {"optimizer.name", "optimizer.lr", "optimizer.momentum"}  # of another optimizer
    assert arms["lr-x3.33-fixed-order"] == {"optimizer.lr", "order"}  # beside lr-x3.33
    assert {part.split(".")[0] for parts in arms.values() for part in parts} == {
        "order", "optimizer", "schedule", "model", "clip", "loss", "ema_decay", "batch_size",
    }  # fmt: skip


def test_a_quick_study_has_at_most_ten_arms_beside_the_base():
    names = [arm.name for arm in diagnose_arms(BASE, "quick")]
    assert len(names) == 11
    assert {"fixed-order", "replacement", "lr-x0.33", "lr-x3.33", "lr-x3.33-fixed-order"} <= set(names)
    assert set(names) < {arm.name for arm in diagnose_arms(BASE, "full")}


def test_what_the_base_is_already_is_left_out():
    base = Training.model_validate({"optimizer": {"beta2": 0.9}, "ema_decay": 0.999, "model": {"layer_norm": True}})
    names = {arm.name for arm in diagnose_arms(base, "full")}
    assert not names & {"beta2-0.9", "ema-0.999", "layer-norm"}


def test_an_optimizer_without_moments_has_no_arms_of_them():
    base = Training.model_validate({"optimizer": {"name": "sgd", "lr": 0.5, "momentum": 0.9}})
    names = {arm.name for arm in diagnose_arms(base, "full")}
    assert not names & {"sgd-momentum", "beta1-0", "beta2-0.9", "beta2-0.9999", "eps-1e-3"}
    assert {"adagrad", "amsgrad", "rmsprop"} <= names


def test_rates_are_a_third_and_ten_thirds_within_bounds():
    rates = {arm.name: arm.training.optimizer.lr for arm in diagnose_arms(BASE, "full")}
    assert (rates["lr-x0.33"], rates["lr-x3.33"]) == (1e-3, 1e-2)
    high = Training.model_validate({"optimizer": {"lr": 9.0}})
    assert {arm.name: arm.training.optimizer.lr for arm in diagnose_arms(high, "quick")}["lr-x3.33"] == 10


def test_a_sweep_has_each_rate_once_and_the_base_first():
    arms = sweep_arms(BASE, [1e-2, 3e-3, 1e-3, 1e-2])
    assert [arm.name for arm in arms] == ["lr-0.003", "lr-0.001", "lr-0.01"]
    assert [arm.kind for arm in arms] == ["base", "rate", "rate"]
    assert [arm.training.optimizer.lr for arm in arms] == [3e-3, 1e-3, 1e-2]


def test_clipping_is_suggested_at_the_ninetieth_percentile():
    run = simulated()
    steps = [replace(step, grad_norm=float(number)) for number, step in enumerate(run.steps[:101])]
    steps.append(replace(steps[0], grad_norm=float("nan")))
    assert suggested_clip([replace(run, steps=steps)]) == pytest.approx(90.1)  # of 1 to 100
    with pytest.raises(ModelError, match="no step of these runs"):
        suggested_clip([replace(run, steps=[])])


def test_clip_arms_clip_where_they_were_told():
    arms = clip_arms(BASE, 1.23456, "full")
    assert [(arm.training.clip.name, arm.training.clip.threshold) for arm in arms] == [
        ("norm", 1.23), ("group_norm", 1.23), ("value", 0.0412),
    ]  # fmt: skip
    assert [arm.name for arm in clip_arms(BASE, 1.0, "quick")] == ["clip-norm-p90"]


def test_a_quick_study_repeats_what_answers_the_question_only():
    arms = {arm.name: arm for arm in diagnose_arms(BASE, "quick")}
    assert seeds_of(arms["base"], "quick", 3) == (7, 8, 9)
    assert seeds_of(arms["replacement"], "quick", 3) == (7, 8, 9)
    assert seeds_of(arms["cosine-decay"], "quick", 3) == (7,)
    assert seeds_of(arms["cosine-decay"], "full", 3) == (7, 8, 9)
