from dataclasses import replace

import numpy as np

from models.curve_set import measure
from models.evidence_of_memory import evidence_of_memory, is_staircase
from models.explained_by_age import explained_share, least_explained_share
from models.run_curves import curve_set
from tests.models.simulated_runs import of_order, simulated


def weighed(*runs):
    return evidence_of_memory(runs, measure(curve_set(runs)))


def test_ages_that_predict_the_picture_speak_for_memory():
    pieces = weighed(simulated())
    assert [piece.ratios["H1"] for piece in pieces] == [8, 5]
    assert all(ratio < 1 for piece in pieces for name, ratio in piece.ratios.items() if name != "H1")
    assert "nats an epoch since its last visit" in pieces[0].statement
    assert "enters each epoch at the level of the frozen probe" in pieces[1].statement


def test_ages_that_do_not_predict_it_speak_against():
    (piece,) = weighed(simulated(remembered=0.0, swing=lambda epoch: 0.5 * ((epoch - 1e-9) % 1)))
    assert piece.ratios["H1"] == 0.15  # and the probe, which saws too, says nothing of what is visited


def test_a_jump_that_does_not_meet_the_probe_speaks_against_memory():
    far = [replace(point, value=point.value - 1.0) if point.estimator == "train_probe" else point
           for point in simulated().points]  # fmt: skip
    pieces = weighed(replace(simulated(), points=far))
    assert [piece.ratios["H1"] for piece in pieces] == [8, 0.3]
    assert "does not enter" in pieces[1].statement


def test_ages_hidden_by_fast_learning_still_show_beside_the_probe():
    run = simulated(swing=lambda epoch: -0.6 * epoch)
    share, least = explained_share([run]), least_explained_share([run])
    assert share.share < 0.2 < 0.5 < least.share
    assert weighed(run)[0].ratios["H1"] == 3


def test_a_step_up_without_ages_is_not_that_of_one_more_visit():
    (piece,) = weighed(of_order("fixed", swing=lambda epoch: 0.5 * ((epoch + 1e-9) % 1 < 0.25)))
    assert piece.ratios["H4"] == piece.ratios["H5"] == 2
    assert "steps up" in piece.statement


def test_a_rise_without_ages_is_not_memory():
    (piece,) = weighed(of_order("fixed", swing=lambda epoch: 0.5 * (epoch % 1)))
    assert piece.ratios["H1"] == 0.1
    assert "and yet" in piece.statement


def test_steps_without_ages_are_no_sawtooth():
    run = of_order("fixed", swing=lambda epoch: -0.15 * np.floor(epoch - 1e-9))
    pieces = weighed(run)
    assert [piece.ratios["H1"] for piece in pieces] == [0.1, 0.1]
    assert is_staircase([run], measure(curve_set([run])))
    assert not is_staircase([simulated()], measure(curve_set([simulated()])))


def test_without_a_picture_there_is_nothing_to_explain():
    assert weighed(of_order("replacement")) == []
