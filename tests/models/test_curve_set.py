import numpy as np
import pytest

from models.curve import curve
from models.curve_set import CurveSet, direction_of, measure
from models.sawtooth import sawtooth
from tests.models.curve_cases import EPOCHS, PLACE, Case


def ramped(size, n_points=24):
    noise = 0.003 * np.random.default_rng(0).standard_normal(24)
    return curve(EPOCHS[:n_points], (5 + size * PLACE + noise)[:n_points])


@pytest.mark.parametrize(("size", "loss", "hr"), [(0.3, "better", "worse"), (-0.3, "worse", "better")])
def test_a_lower_loss_and_a_higher_hit_ratio_are_better(size, loss, hr):
    assert measure(CurveSet({"train_loss": (ramped(size),)})).tilt("train") == loss
    assert measure(CurveSet({"train_hr": (ramped(size),)})).tilt("train") == hr


def test_a_side_without_curves_is_unknown_and_a_smooth_one_is_none():
    measured = measure(CurveSet({"train_loss": (ramped(0.0),), "validation_loss": (curve([1, 2, 3], [1, 2, 3]),)}))
    assert measured.tilt("train") == "none"
    assert measured.tilt("validation") is None
    assert measured.tilt("probe") is None


def test_the_clear_metric_speaks():
    measured = measure(CurveSet({"train_loss": (ramped(0.0),), "train_hr": (ramped(-0.3),)}))
    assert measured.tilt("train") == "better"
    measured = measure(CurveSet({"train_loss": (ramped(0.3),), "train_hr": (ramped(0.3),)}))
    assert measured.tilt("train") == "better"  # the loss, where both are clear


def test_three_epochs_are_enough_where_all_agree():
    few = sawtooth([ramped(0.3, n_points=12)])
    assert direction_of(few) == "down"
    wide = np.array([jump.excess for jump in few.jumps])
    assert len(wide) == 2


def test_another_sides_part_of_the_train_jump():
    measured = measure(CurveSet({"train_loss": (ramped(0.4),), "probe_loss": (ramped(0.1),)}))
    low, high = measured.part_of_train("probe")
    assert low < 0.25 < high < 0.35
    assert measured.part_of_train("validation") is None
    assert (
        measure(CurveSet({"train_loss": (ramped(0.0),), "probe_loss": (ramped(0.1),)})).part_of_train("probe") is None
    )


def test_noise_is_rarely_a_direction():
    rng = np.random.default_rng(1)
    found = [direction_of(sawtooth([curve(EPOCHS, rng.standard_normal(24))])) for _ in range(200)]
    assert sum(one != "none" for one in found) <= 10


def test_the_cases_are_what_they_say():
    assert measure(Case().of("memory")).tilt("train") == "better"
    assert measure(Case().of("memory_with_dip")).tilt("validation") == "worse"


def test_a_jump_that_is_nothing_beside_the_curve_is_no_tilt():
    place = np.tile([0.25, 0.5, 0.75, 1.0], 6)
    epochs = np.arange(1, 25) / 4
    for size, tilt in ((0.001, "none"), (0.1, "better")):
        given = CurveSet({"train_loss": (curve(epochs, 5 - 0.5 * epochs + size * place),)})
        assert measure(given).tilt("train") == tilt
