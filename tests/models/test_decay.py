import numpy as np
import pytest

from models.curve import curve
from models.decay import decay

TIMES = np.arange(1, 25) / 4
JUMPS = np.ceil(TIMES - 1e-9)


@pytest.mark.parametrize("rate", [0.05, 0.4, 1.0, 3.0, -0.5])
def test_an_exponential_is_found_whatever_line_and_jumps_are_beside_it(rate):
    term = 2 * np.exp(-rate * TIMES)
    found = decay(curve(TIMES, term + 3 - 0.2 * TIMES + 0.3 * JUMPS**2))
    # The term is only defined up to a line and the levels of epochs: compare second differences within epochs.
    inside = JUMPS[2:] == JUMPS[:-2]
    assert np.diff(found, 2)[inside] == pytest.approx(np.diff(term, 2)[inside], rel=1e-3, abs=1e-9)


def test_a_line_has_none():
    assert np.abs(np.diff(decay(curve(TIMES, 3 - 0.2 * TIMES)), 2)).max() < 1e-9


def test_too_few_points_have_none():
    assert decay(curve([0.5, 1.0, 1.5, 2.0], [3, 2, 1.5, 1.2])).tolist() == [0, 0, 0, 0]
