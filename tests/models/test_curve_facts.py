import math

import numpy as np
import pytest

from models.curve import curve
from models.curve_facts import Ratio, first_curve, growth, jumps_grow, noise_of, rise_from_best, since_best, spike
from models.curve_set import CurveSet, measure

EPOCHS = np.arange(1, 33) / 4
PLACE = EPOCHS - (np.ceil(EPOCHS - 1e-9) - 1)


def test_growth_and_spikes_are_medians_apart():
    values = np.concatenate([np.ones(11), np.full(10, 2.0), np.full(11, 3.0)])
    assert growth(curve(EPOCHS, values)) == Ratio(3.0, 1.0)
    values[5] = 50
    assert spike(curve(EPOCHS, values)).times == 25
    assert Ratio(1.0, 0.0).times == math.inf


def test_a_loss_that_rises_from_its_best_epoch():
    valley = (EPOCHS - 4) ** 2
    rise = rise_from_best(curve(EPOCHS, 5 + valley))
    assert rise.value > rise.base
    assert rise_from_best(curve(EPOCHS, -EPOCHS)) is None


def test_where_another_curve_went_since_the_best_epoch_of_a_loss():
    valley = curve(EPOCHS, 5 + np.ceil(EPOCHS - 1e-9) % 4)  # lowest in epochs 4 and 8
    assert since_best(valley, curve(EPOCHS, 2 * EPOCHS)) == Ratio(pytest.approx(15.25), pytest.approx(7.25))
    assert since_best(valley, curve(EPOCHS[:8], EPOCHS[:8])) is None


@pytest.mark.parametrize(("size", "tau"), [(0.1 * EPOCHS, 1.0), (0.4, 0.0)])
def test_growing_jumps_are_told_from_even_ones(size, tau):
    noise = 0.01 * np.random.default_rng(3).standard_normal(32)
    measured = measure(CurveSet({"train_loss": (curve(EPOCHS, 5 + size * PLACE + noise),)}))
    assert jumps_grow(measured, "train_loss") == pytest.approx(tau, abs=0.15)


def test_few_jumps_do_not_tell_growth():
    measured = measure(CurveSet({"train_loss": (curve(EPOCHS[:16], PLACE[:16]),)}))
    assert jumps_grow(measured, "train_loss") is None


def test_noise_is_estimated_beside_any_smooth_trend():
    rng = np.random.default_rng(0)
    found = [noise_of(curve(EPOCHS, EPOCHS**2 + 0.3 * rng.standard_normal(32))) for _ in range(50)]
    assert np.mean(found) == pytest.approx(0.3, rel=0.15)
    assert noise_of(curve([1, 2], [1, 2])) == 0


def test_the_first_curve_that_is_long_enough():
    short, long = curve([1, 2], [1, 2]), curve(EPOCHS, EPOCHS)
    given = CurveSet({"train_loss": (short,), "probe_loss": (short, long)})
    assert first_curve(given, "train_loss", "probe_loss") is long
    assert first_curve(given, "lr") is None
