from dataclasses import replace

import numpy as np
import pytest

from models.curve_set import measure
from models.evidence_of_gap import evidence_of_gap, gap_table
from models.run_curves import curve_set
from tests.models.simulated_runs import of_order, simulated, with_running


def weighed(*runs):
    return evidence_of_gap(runs, measure(curve_set(runs)))


def first_phase_higher(run, by=0.6):
    return with_running(run, lambda point: replace(point, value=point.value + by * (point.phase == 1)))


def with_errors(run, error):
    return with_running(run, lambda point: replace(point, ci_high=point.value + 1.96 * error))


def test_the_table_holds_the_distance_at_the_middles():
    run = of_order("replacement")
    table = gap_table(run)
    value = {(point.estimator, point.step): point.value for point in run.points if point.metric == "loss"}
    middle = (value["train_probe", 300] + value["train_probe", 325]) / 2
    assert table.gap_EP.shape == (5, 4)
    assert table.probe_EP[2, 0] == pytest.approx(middle)
    assert table.gap_EP[2, 0] == pytest.approx(value["train_running", 325] - middle)


@pytest.mark.parametrize("order", ["replacement", "continuous"])
@pytest.mark.parametrize("seed", range(3))
def test_random_visits_keep_their_distance_in_all_phases(order, seed):
    (piece,) = weighed(of_order(order, seed=seed))
    assert (piece.proves, piece.ratios) == (None, {"H4": 0.7})


@pytest.mark.parametrize("order", ["replacement", "continuous"])
def test_a_distance_that_depends_on_the_phase_is_in_the_measuring(order):
    (piece,) = weighed(first_phase_higher(of_order(order)))
    assert piece.proves == "H4"
    assert "alike as data" in piece.statement
    assert [one.proves for one in weighed(*(first_phase_higher(of_order(order, seed=seed)) for seed in range(3)))] == [
        "H4"
    ]


def test_a_distance_that_drifts_through_training_does_not_depend_on_the_phase():
    drifting = with_running(
        of_order("replacement"), lambda point: replace(point, value=point.value + 0.3 * point.epoch)
    )
    assert [piece.proves for piece in weighed(drifting)] == [None]


def test_without_a_look_at_the_data_it_is_no_proof():
    run = replace(first_phase_higher(of_order("replacement")), quarters=[])
    (piece,) = weighed(run)
    assert (piece.proves, piece.ratios["H4"], piece.ratios["H5"]) == (None, 6, 2)


def test_in_a_fixed_order_a_slope_inside_epochs_is_not_enough():
    stairs = with_running(of_order("fixed"), lambda point: replace(point, value=point.value + 0.15 * point.phase))
    assert weighed(with_errors(stairs, 0.01)) == []
    (piece,) = weighed(with_errors(first_phase_higher(of_order("fixed")), 0.01))
    assert piece.proves == "H4"
    assert "beside a slope" in piece.statement


def test_in_a_fixed_order_phases_may_differ_by_the_windows_they_hold():
    assert weighed(with_errors(first_phase_higher(of_order("fixed")), 0.5)) == []


def test_a_probe_or_a_rate_that_saws_has_a_cause_of_its_own():
    swing = first_phase_higher(of_order("replacement", swing=lambda epoch: 0.6 * ((epoch - 1e-9) % 1)), by=0.9)
    assert weighed(swing) == []
    assert weighed(first_phase_higher(of_order("replacement", lr=lambda t: 3e-3 * (1.01 - t % 1)))) == []


def test_a_reshuffled_order_has_ages_and_is_not_compared():
    assert weighed(first_phase_higher(simulated())) == []
    short = of_order("replacement")
    short = replace(short, points=[point for point in short.points if point.epoch <= 3])
    assert weighed(short) == []
    assert np.isfinite(gap_table(simulated()).gap_EP).all()
