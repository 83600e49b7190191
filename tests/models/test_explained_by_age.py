from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from models.explained_by_age import age_spread, explained_share, least_explained_share, rise_with_age
from tests.models.simulated_runs import of_order, simulated, with_running


@cache
def healthy():
    return simulated()


def test_memory_is_explained_by_age():
    found, least = explained_share([healthy()]), least_explained_share([healthy()])
    assert 0.9 < found.share < 1.5  # above 1, for weights that learn flatten what there is to explain
    assert found.low < found.share < found.high
    assert 0.75 < least.share < 1.15
    assert rise_with_age([healthy()]) > 0.1


def test_seeds_are_pooled():
    found = explained_share([simulated(seed=seed) for seed in range(2)])
    assert len(found.epochs) == 10


def test_a_pattern_of_the_place_is_not_explained():
    found = explained_share([simulated(remembered=0.0, swing=lambda epoch: 0.4 * (epoch % 1))])
    assert abs(found.share) < 0.15


def test_beside_the_probe_less_is_explained():
    late = {"swing": lambda epoch: -1.5 * float(np.exp(-epoch / 2))}  # weights that stand still
    found, least = explained_share([simulated(**late)]), least_explained_share([simulated(**late)])
    assert 0.75 < found.share < 1
    assert least.share < found.share


def test_it_is_the_curve_that_was_shown_which_is_explained():
    smooth = with_running(healthy(), lambda point: replace(point, value=5 - 0.1 * point.epoch))
    shown_elsewhere = with_running(healthy(), lambda point: replace(point, value=point.value + (point.phase == 2)))
    assert explained_share([smooth]).share != pytest.approx(explained_share([healthy()]).share, abs=0.1)
    assert explained_share([shown_elsewhere]).share < 0.2


@pytest.mark.parametrize(
    ("order", "low", "high"), [("reshuffle", 0.7, 0.8), ("fixed", -0.01, 0.01), ("reversed", 1.4, 1.6)]
)
def test_ages_spread_over_an_epoch_as_the_order_has_it(order, low, high):
    assert low < age_spread([of_order(order)]) < high


def test_without_ages_nothing_is_said():
    bare = replace(healthy(), forgetting=[])
    assert (explained_share([bare]), age_spread([bare]), rise_with_age([bare])) == (None, None, None)
    no_probe = replace(healthy(), points=[point for point in healthy().points if point.estimator != "train_probe"])
    assert least_explained_share([no_probe]) is None
    assert explained_share([no_probe]) is not None
    assert np.isfinite(age_spread([no_probe]))
