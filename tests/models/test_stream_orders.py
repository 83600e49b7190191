"""Orders of a stream against naive ones that do the same visit by visit."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.seeds import Stream, generator
from models.stream_orders import buffered, continuous

AgesOf = Callable[..., NDArray[np.float64]]


def continuous_by_sorting_all(n_windows: int, seed: int, epochs: int) -> list[list[int]]:
    phase = generator(seed, Stream.ORDER).random(n_windows)
    due = [
        (visit + phase[window] + jitter - 0.5, window)
        for visit in range(-1, epochs + 3)
        for window, jitter in enumerate(generator(seed, Stream.ORDER, visit + 1).random(n_windows))
    ]
    visits = [window for time, window in sorted(due) if time >= 0]
    return [visits[epoch * n_windows : (epoch + 1) * n_windows] for epoch in range(epochs)]


@pytest.mark.parametrize("n_windows", [1, 2, 3, 7, 50, 400])
def test_a_continuous_epoch_is_its_part_of_all_visits_sorted(n_windows: int) -> None:
    for seed in range(4):
        expected = continuous_by_sorting_all(n_windows, seed, 7)
        assert [continuous(n_windows, seed, epoch).tolist() for epoch in range(7)] == expected


def test_continuous_ages_are_triangular_and_know_no_position_in_the_epoch(ages_of: AgesOf) -> None:
    quarters = ages_of(continuous, 20_000, 6)[3:].reshape(3, 4, 5_000)
    assert np.isfinite(quarters).all()
    for quarter in quarters.transpose(1, 0, 2):
        assert quarter.mean() == pytest.approx(1, abs=0.02)
        assert quarter.std() == pytest.approx(np.sqrt(1 / 6), abs=0.02)
        assert (quarter < 0.5).mean() == pytest.approx(1 / 8, abs=0.02)
        assert quarter.max() < 2.05


def buffered_one_by_one(n_windows: int, seed: int, epoch: int, buffer_windows: int) -> list[int]:
    size = min(buffer_windows, n_windows)
    rng = generator(seed, Stream.ORDER, epoch)
    buffer, visited = list(range(size)), []
    for upcoming, slot in enumerate(rng.integers(size, size=n_windows - size).tolist(), start=size):
        visited.append(buffer[slot])
        buffer[slot] = upcoming
    return visited + rng.permutation(buffer).tolist()


@pytest.mark.parametrize("n_windows", [1, 2, 9, 100])
@pytest.mark.parametrize("buffer_windows", [1, 2, 5, 99, 100, 300])
def test_a_buffer_does_what_one_window_after_the_other_would(n_windows: int, buffer_windows: int) -> None:
    order = buffered(n_windows, 1, 2, buffer_windows)
    assert order.tolist() == buffered_one_by_one(n_windows, 1, 2, buffer_windows)
    assert sorted(order.tolist()) == list(range(n_windows))


def test_a_buffer_of_one_keeps_the_source_and_a_small_one_stays_near_it(ages_of: AgesOf) -> None:
    assert buffered(50, 0, 0, 1).tolist() == list(range(50))
    ages = ages_of(lambda n, seed, epoch: buffered(n, seed, epoch, 200), 20_000, 2)[1]
    assert ages.mean() == pytest.approx(1, abs=0.01)
    assert ages.std() == pytest.approx(200 * np.sqrt(2) / 20_000, rel=0.2)


def test_a_buffer_that_holds_everything_is_a_reshuffle(ages_of: AgesOf) -> None:
    ages = ages_of(lambda n, seed, epoch: buffered(n, seed, epoch, 10**6), 20_000, 2)[1]
    assert ages[:1_000].mean() == pytest.approx(0.525, abs=0.03)
    assert ages[-1_000:].mean() == pytest.approx(1.475, abs=0.03)
