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


@pytest.mark.parametrize("depth", ["quick", "main", "full"])
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


def test_each_depth_holds_the_one_before():
    quick, main, full = ({arm.name for arm in diagnose_arms(BASE, depth)} for depth in ("quick", "main", "full"))
    assert quick == {"base", "fixed-order", "replacement", "lr-x0.33"}
    assert quick | {"lr-x3.33", "lr-x3.33-fixed-order", "sgd-momentum"} < main < full
    assert len(main) == 11


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
    assert {arm.name: arm.training.optimizer.lr for arm in diagnose_arms(high, "main")}["lr-x3.33"] == 10


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
    assert [arm.name for arm in clip_arms(BASE, 1.0, "main")] == ["clip-norm-p90"]
    assert clip_arms(BASE, 1.0, "quick") == ()


def test_what_answers_the_question_is_repeated_and_remedies_as_often_as_said():
    arms = {arm.name: arm for arm in diagnose_arms(BASE, "full")}
    assert seeds_of(arms["base"], "quick", 3, 2) == (7, 8, 9)
    assert seeds_of(arms["replacement"], "quick", 3, 2) == (7,)
    assert seeds_of(arms["replacement"], "main", 3, 2) == (7, 8, 9)
    assert seeds_of(arms["cosine-decay"], "main", 3, 2) == (7, 8)
    assert seeds_of(arms["cosine-decay"], "full", 3, 1) == (7,)


def test_arms_can_be_named():
    only = ("clip-value-p90", "cosine-decay")
    assert [arm.name for arm in diagnose_arms(BASE, "quick", only)] == ["base", "cosine-decay"]
    assert [arm.name for arm in clip_arms(BASE, 1.0, "quick", only)] == ["clip-value-p90"]
    with pytest.raises(ModelError, match=r"no arm 'cosine'; arms of this base are: adagrad, .*clip-norm-p90"):
        diagnose_arms(BASE, "full", ("cosine",))
