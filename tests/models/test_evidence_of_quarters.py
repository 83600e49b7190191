from dataclasses import replace

import numpy as np
import pytest

from models.evidence_of_quarters import evidence_of_quarters
from tests.models.simulated_runs import of_order, simulated


def ratio(run, name="H5"):
    weight = 1.0
    for piece in evidence_of_quarters([run]):
        weight *= piece.ratios.get(name, 1.0)
    return weight


def proven(run):
    return {piece.proves for piece in evidence_of_quarters([run]) if piece.proves}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("order", ["reshuffle", "replacement", "continuous"])
def test_a_shuffle_that_shuffles_clears_the_order(order, seed):
    run = of_order(order, seed=seed)
    assert ratio(run) <= 0.1
    assert not proven(run)


def test_a_fixed_order_repeats_by_design():
    run = of_order("fixed")
    assert not proven(run)
    assert ratio(run) <= 0.1


def test_data_in_their_own_order_are_proof():
    run = simulated(order=lambda n, _seed, _epoch: np.arange(n))
    assert proven(run) == {"H5"}
    assert "differ in" in evidence_of_quarters([run])[1].statement


def test_a_buffer_too_small_is_proof_and_one_that_holds_all_is_not():
    small, large = (of_order("reshuffle").config.model_copy(update={"order": "buffer", "buffer_windows": size})
                    for size in (200, 4_000))  # fmt: skip
    assert proven(simulated(config=small)) == {"H5"}
    assert not proven(simulated(config=large))


def test_an_order_that_should_be_new_and_is_not_is_proof():
    run = simulated(order=lambda n, seed, _epoch: np.random.default_rng(seed).permutation(n))
    assert proven(run) == {"H5"}
    assert "20 of 24 parts come again" in evidence_of_quarters([run])[0].statement


def test_targets_that_differ_by_quarter_are_seen_where_places_do_not():
    run = simulated()
    quarters = [replace(each, log_popularity_mean=each.log_popularity_mean + 0.3 * each.phase) for each in run.quarters]
    (_, piece) = evidence_of_quarters([replace(run, quarters=quarters)])
    assert piece.ratios["H5"] > 1
    assert "popularity of targets" in piece.statement


def test_times_that_differ_by_quarter_are_seen():
    run = simulated()
    quarters = [replace(each, time_mean=each.time_mean + 1_000 * each.phase) for each in run.quarters]
    assert proven(replace(run, quarters=quarters)) == {"H5"}


def test_one_epoch_says_nothing():
    run = simulated()
    assert evidence_of_quarters([replace(run, quarters=run.quarters[:4])]) == []
    assert evidence_of_quarters([replace(run, quarters=[])]) == []


def moved(away, *, is_same_set):
    """Say quarters of 100 windows whose first one lies off the middle."""
    quarters = [
        replace(each, count=100, place_mean=0.5 + away * (each.phase == 1), time_mean=None,
                set_hash=str(each.phase) if is_same_set else each.set_hash)
        for each in simulated().quarters
    ]  # fmt: skip
    return replace(simulated(), quarters=quarters)


def test_few_windows_differ_by_chance():
    assert ratio(moved(0.05, is_same_set=False)) < 1  # 4 standard errors, 0.17 standard deviations
    assert ratio(moved(0.1, is_same_set=False)) * 5 > 1  # 8 standard errors
    assert evidence_of_quarters([moved(0.1, is_same_set=False)])[1].ratios["H5"] == 4


def test_a_set_that_comes_again_is_one_draw():
    assert evidence_of_quarters([moved(0.1, is_same_set=True)])[1].ratios["H5"] < 1
