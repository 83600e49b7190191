import numpy as np
import pytest

from models.epoch_share import period_fit


def times(per_epoch, n_epochs):
    return np.arange(1, per_epoch * n_epochs + 1) / per_epoch


def test_a_pure_wave_of_the_epoch_is_all_of_the_variance():
    epochs = times(8, 6)
    fit = period_fit(epochs, 3 - epochs + np.sin(2 * np.pi * epochs), 8)
    assert fit.share == pytest.approx(1)
    assert fit.p_value < 1e-9


def test_a_wave_of_four_epochs_is_trend():
    epochs = times(4, 12)
    rng = np.random.default_rng(0)
    fit = period_fit(epochs, 5 * np.cos(np.pi * (epochs - 0.25) / 11.75 * 6) + 0.01 * rng.standard_normal(48), 4)
    assert fit.share < 0.3
    assert fit.p_value > 0.01


def test_the_share_is_that_of_the_variance():
    rng = np.random.default_rng(1)
    epochs = times(10, 40)
    wave = np.cos(2 * np.pi * epochs)
    shares = [period_fit(epochs, wave + rng.standard_normal(400), 10).share for _ in range(10)]
    assert np.mean(shares) == pytest.approx(1 / 3, abs=0.04)  # a wave's variance is half its squared amplitude


def test_the_test_is_right_one_time_in_twenty_on_noise():
    rng = np.random.default_rng(2)
    epochs = times(4, 6)
    p_values = [period_fit(epochs, rng.standard_normal(24), 4).p_value for _ in range(400)]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_a_straight_line_leaves_nothing():
    epochs = times(4, 6)
    assert period_fit(epochs, 2 - epochs, 4).share == 0


def test_too_few_points_are_no_answer():
    assert period_fit(times(2, 2), np.array([1.0, 2, 1, 2]), 2) is None


def test_said_waves_are_the_trend():
    epochs = times(4, 12)
    wave = np.cos(np.pi * (epochs - 0.25) / 11.75 * 6)
    assert period_fit(epochs, wave, 4, n_waves=6).left_over < 1e-9
    assert period_fit(epochs, wave, 4, n_waves=2).left_over > 1e-3
