from dataclasses import replace

import pytest

from models.best_model import at_epoch_ends, best_difference, best_point
from models.run_curves import points_of
from tests.models.simulated_runs import simulated


def test_the_best_evaluation_is_the_earliest_of_equals():
    points = points_of(simulated(), "validation", "hr@10")
    points = [replace(point, value=0.5 if point.step in {200, 400} else 0.4) for point in points]
    assert best_point(points).step == 200
    assert best_point([replace(points[0], value=None)]) is None
    assert [point.step for point in at_epoch_ends(points)] == [100, 200, 300, 400, 500, 600]


def test_a_better_arm_is_better_window_by_window():
    base, better = ([simulated(seed=seed, level=level) for seed in range(3)] for level in (0.3, 0.34))
    found = best_difference(better, base)
    assert found.low < 0.04 < found.high
    assert found.low > 0
    assert best_difference(base, better).value == pytest.approx(-found.value)


def test_only_common_seeds_are_compared():
    base, other = [simulated(seed=0)], [simulated(seed=0), simulated(seed=1, level=0.9)]
    assert best_difference(other, base).value == 0
    assert best_difference([other[1]], base) is None


def test_without_watched_windows_there_is_no_interval():
    base, better = (replace(simulated(level=level), watched=None) for level in (0.3, 0.34))
    found = best_difference([better], [base])
    assert (found.low, found.high) == (None, None)
    assert found.value == pytest.approx(0.04, abs=0.01)
