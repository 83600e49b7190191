import numpy as np

from models.curve_set import measure
from models.evidence_of_memory import evidence_of_memory, is_staircase
from models.run_curves import curve_set
from tests.models.simulated_runs import of_order, simulated


def weighed(*runs):
    return evidence_of_memory(runs, measure(curve_set(runs)))


def test_ages_that_predict_the_picture_speak_for_memory():
    (piece,) = weighed(simulated())
    assert piece.ratios["H1"] > 3
    assert all(ratio < 1 for name, ratio in piece.ratios.items() if name != "H1")
    assert "nats an epoch since its last visit" in piece.statement


def test_ages_that_do_not_predict_it_speak_against():
    (piece,) = weighed(simulated(remembered=0.0, swing=lambda epoch: 0.5 * (epoch % 1)))
    assert piece.ratios["H1"] < 0.5


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
