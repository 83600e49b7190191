"""Orders are permutations that need no history."""

import numpy as np

from models.orders import reshuffle


def test_every_window_once_and_another_order_each_epoch_and_seed() -> None:
    orders = [reshuffle(500, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    for order in orders:
        assert order.dtype == np.int64
        assert np.array_equal(np.sort(order), np.arange(500))
    assert not np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


def test_any_epoch_is_recomputed_without_the_ones_before() -> None:
    assert np.array_equal(reshuffle(100, 3, 7), reshuffle(100, 3, 7))
