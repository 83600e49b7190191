import numpy as np
import pytest

from models.curve import curve, curves_of
from models.errors import ModelError


def test_an_evaluation_at_the_end_is_the_epochs_last():
    one = curve([0.5, 1.0, 1.5, 2.0 + 1e-9, 2.5], [1, 2, 3, 4, 5])
    assert one.epoch_index.tolist() == [0, 0, 1, 1, 2]
    assert one.evaluations_per_epoch == 2


def test_points_are_put_in_order_and_missing_values_left_out():
    one = curve([1.0, 0.5, 1.5, 2.0], [2.0, 1.0, np.nan, np.inf])
    assert one.epoch_N.tolist() == [0.5, 1.0]
    assert one.value_N.tolist() == [1.0, 2.0]


def test_the_first_evaluation_before_training_is_of_epoch_one():
    assert curve([0.0, 0.5], [1, 2]).epoch_index.tolist() == [0, 0]


def test_long_epochs_are_averaged_to_twenty_points():
    epochs = np.arange(1, 301) / 100
    one = curve(epochs, epochs)
    assert one.evaluations_per_epoch == 20
    assert len(one.value_N) == 60
    assert np.allclose(one.value_N, one.epoch_N)
    assert one.value_N[0] == pytest.approx(0.03)  # the mean of 0.01 to 0.05


def test_no_points_are_no_evaluations():
    assert curve([], []).evaluations_per_epoch == 0


@pytest.mark.parametrize(
    ("epochs", "values", "said"),
    [
        ([1.0], [1.0, 2.0], "1 epochs and 2 values"),
        ([-1.0], [1.0], "from 0 to"),
        ([np.nan], [1.0], "from 0 to"),
        ([1e300], [1.0], "from 0 to"),
    ],
)
def test_a_wrong_curve_is_said(epochs, values, said):
    with pytest.raises(ModelError, match=said):
        curve(epochs, values)


def test_one_curve_a_seed():
    assert [len(one.value_N) for one in curves_of([([0.5, 1.0], [1, 2]), ([0.5], [1])])] == [2, 1]


def test_a_value_too_large_to_add_up_is_missing():
    assert curve([0.5, 1.0, 1.5], [1.0, -1e200, 2.0]).value_N.tolist() == [1.0, 2.0]
