from dataclasses import replace

import pytest

from models.run_curves import curve_set, hit_ratio, points_of, steps_since
from tests.models.simulated_runs import simulated


def test_curves_are_by_role_and_seed():
    found = curve_set([simulated(seed=0), simulated(seed=1)])
    assert {role: len(curves) for role, curves in found.curves.items()} == dict.fromkeys(
        ["train_loss", "train_hr", "probe_loss", "probe_hr", "validation_loss", "validation_hr", "lr", "grad_norm"], 2
    )
    assert found.validation_windows == 1_500
    assert found.non_finite == {}
    assert set(found.curves["lr"][0].value_N) == {3e-3}


def test_steps_are_shared_out_over_evaluations():
    run = simulated()
    points = points_of(run, "train_running", "loss")
    spans = steps_since(run, points)
    assert [len(span) for span in spans] == [25] * 24
    assert (spans[1][0].step, spans[1][-1].step) == (26, 50)
    norm = sum(step.grad_norm for step in spans[3]) / 25
    assert curve_set([run]).curves["grad_norm"][0].value_N[3] == pytest.approx(norm)


def test_a_step_that_is_not_finite_is_counted_and_left_out():
    run = simulated()
    broken = replace(run, steps=[*run.steps[:-1], replace(run.steps[-1], loss_nats=float("nan"))])
    assert curve_set([broken]).non_finite == {"train_loss": 1}
    assert [len(span) for span in steps_since(broken, points_of(broken, "train_running", "loss"))][-1] == 24


def test_the_first_cutoff_is_the_hit_ratio_that_counts():
    run = simulated()
    assert hit_ratio(replace(run, config=run.config.model_copy(update={"cutoffs": (5, 10)}))) == "hr@5"


def test_a_run_without_records_has_no_curves():
    found = curve_set([replace(simulated(), points=[], steps=[])])
    assert not any(found.curves.values())
    assert found.validation_windows is None
