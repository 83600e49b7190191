import numpy as np
import pytest

from models.curve import curve
from models.within_epochs import first_epoch_ramp, left_when_undone, mean_undone, slopes_within
from tests.models.curve_cases import EPOCHS, LAG, MEMORY, PLACE, WEIGHTS


def cumulative(values):
    return np.concatenate([np.cumsum(values[k : k + 4]) / np.arange(1, 5) for k in range(0, 24, 4)])


def test_a_mean_over_the_epoch_is_undone_exactly():
    values = np.random.default_rng(0).standard_normal(24)
    assert mean_undone(curve(EPOCHS, cumulative(values))).value_N == pytest.approx(values)


def test_incomplete_epochs_are_left_out():
    undone = mean_undone(curve(EPOCHS[1:], WEIGHTS[1:]))
    assert len(undone.value_N) == 20
    assert mean_undone(curve(EPOCHS[:6], WEIGHTS[:6])) is None


def test_little_is_left_of_such_a_mean_and_much_of_a_sawtooth():
    assert left_when_undone(curve(EPOCHS, cumulative(7 - 0.3 * EPOCHS))).times < 0.1
    assert left_when_undone(curve(EPOCHS, 5 + 0.3 * PLACE)).times > 1
    both_ways = np.where(np.arange(24) // 4 % 2 == 0, 1.0, 2.0)
    assert left_when_undone(curve(EPOCHS, both_ways)) is None


def test_slopes_are_those_of_each_epoch():
    slopes = slopes_within(curve(np.delete(EPOCHS, 5), np.delete(2 * EPOCHS, 5)))
    assert np.isnan(slopes[1])
    assert np.delete(slopes, 1) == pytest.approx(2)
    bent = slopes_within(curve(EPOCHS, np.where(np.isclose(PLACE, 0.25), 9, 0.5 * EPOCHS)), first_phase=2)
    assert bent == pytest.approx(0.5)


def ramp_of(extra, seed=0):
    noise = 0.005 * np.random.default_rng(seed).standard_normal((2, 24))
    return first_epoch_ramp(curve(EPOCHS, WEIGHTS + LAG + extra + noise[0]), curve(EPOCHS, WEIGHTS + 0.5 + noise[1]))


def test_memory_has_no_ramp_in_the_first_epoch_and_harder_data_have():
    assert ramp_of(MEMORY).times < 0.4
    assert ramp_of(0.35 * PLACE).times > 0.7


def test_no_ramp_is_no_answer():
    assert ramp_of(0.0) is None
    assert first_epoch_ramp(curve(EPOCHS, WEIGHTS), curve(EPOCHS[1:], WEIGHTS[1:])) is None
    assert first_epoch_ramp(curve(EPOCHS[:8], PLACE[:8]), curve(EPOCHS[:8], WEIGHTS[:8])) is None
