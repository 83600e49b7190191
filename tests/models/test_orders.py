"""Orders need no history, and visit windows at the ages they say."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.config import Training
from models.orders import fixed, order_of, replacement, reshuffle, reversed_each_epoch

AgesOf = Callable[..., NDArray[np.float64]]

NAMES = ["reshuffle", "fixed", "reversed", "replacement", "continuous", "buffer"]


def test_every_window_once_and_another_order_each_epoch_and_seed() -> None:
    orders = [reshuffle(500, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    for order in orders:
        assert order.dtype == np.int64
        assert np.array_equal(np.sort(order), np.arange(500))
    assert not np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


@pytest.mark.parametrize("name", NAMES)
def test_any_epoch_is_recomputed_without_the_ones_before(name: str) -> None:
    whole, alone = (order_of(Training.model_validate({"order": name, "buffer_windows": 9})) for _ in range(2))
    epochs = [whole(100, 3, epoch) for epoch in range(8)]
    assert np.array_equal(alone(100, 3, 7), epochs[7])
    assert all(order.shape == (100,) and order.dtype == np.int64 for order in epochs)
    assert all(0 <= order.min() <= order.max() < 100 for order in epochs)
    assert not np.array_equal(whole(100, 4, 7), epochs[7])


def test_names_are_of_different_orders_and_the_default_is_to_reshuffle() -> None:
    orders = {name: order_of(Training.model_validate({"order": name, "buffer_windows": 9})) for name in NAMES}
    assert len({orders[name](100, 3, 1).tobytes() for name in NAMES}) == len(NAMES)
    assert order_of(Training()) is reshuffle


def test_reshuffled_ages_are_uniform_from_t_to_one_more(ages_of: AgesOf) -> None:
    ages = ages_of(reshuffle, 20_000, 2)[1]
    for t in (0.1, 0.5, 0.9):
        here = ages[int((t - 0.05) * 20_000) : int((t + 0.05) * 20_000)] - t
        quantiles = np.quantile(here, [0.1, 0.25, 0.5, 0.75, 0.9])
        np.testing.assert_allclose(quantiles, [0.1, 0.25, 0.5, 0.75, 0.9], atol=0.04)
        assert -0.05 <= here.min() <= here.max() <= 1.05


def test_fixed_ages_are_exactly_one(ages_of: AgesOf) -> None:
    assert np.array_equal(ages_of(fixed, 300, 4)[1:], np.ones((3, 300)))


def test_reversed_ages_grow_from_nothing_to_two(ages_of: AgesOf) -> None:
    ages = ages_of(reversed_each_epoch, 300, 4)[1:]
    expected = (2 * np.arange(300) + 1) / 300
    np.testing.assert_allclose(ages, np.tile(expected, (3, 1)))


def test_ages_with_replacement_are_geometric_wherever_in_the_epoch(ages_of: AgesOf) -> None:
    ages = ages_of(replacement, 5_000, 14)[-2:]
    for part in (ages[:, :2_500], ages[:, 2_500:]):
        known = part[~np.isnan(part)]
        for age in (0.5, 1.0, 2.0):
            assert (known > age).mean() == pytest.approx(np.exp(-age), abs=0.025)
