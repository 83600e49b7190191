"""What the data of a phase is like, by hand, and the faults that it shows."""

import numpy as np
import pytest

from models.orders import fixed, reshuffle
from models.quarters import QuarterStatistics, quarter_statistics
from models.stream_orders import buffered
from models.windows import WindowSet


def windows_of(labels: list[int], times: list[int] | None = None) -> WindowSet:
    ends = np.arange(1, len(labels) + 1)
    events = np.array([0, *labels], dtype=np.int32)
    return WindowSet(events, ends, np.ones(len(labels), np.uint8), None if times is None else np.array([0, *times]))


@pytest.fixture
def statistics() -> QuarterStatistics:
    """Windows in the order of time, the labels of their first half another half of the items."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([rng.integers(1, 11, 2_000), rng.integers(11, 21, 2_000)]).tolist()
    return quarter_statistics(windows_of(labels, [10**15 + 10**6 * n for n in range(4_000)]), 20)


def test_a_quarter_by_hand() -> None:
    statistics = quarter_statistics(windows_of([3, 1, 1, 2], [10**15, 10**15 + 4, 10**15 + 8, 0]), 5)
    record = statistics.record(2, 3, np.array([2, 0, 1]))
    assert (record.epoch, record.phase, record.count, record.labels) == (2, 3, 3, 2)
    assert record.place_mean == pytest.approx(1 / 4)
    assert record.place_jump == pytest.approx(1.5 / 4)
    assert record.time_mean == 10**15 + 4
    assert record.time_sd == pytest.approx(np.sqrt(32 / 3))
    assert record.log_popularity_mean == pytest.approx((2 * np.log(1 / 2) + np.log(1 / 4)) / 3)
    assert record.label_entropy_nats == pytest.approx(-(2 / 3) * np.log(2 / 3) - (1 / 3) * np.log(1 / 3))


def test_without_times_and_with_one_visit_there_is_nothing_to_say_of_them() -> None:
    record = quarter_statistics(windows_of([1, 0]), 1).record(1, 1, np.array([1]))
    assert (record.time_mean, record.time_sd, record.place_jump, record.label_entropy_nats) == (None, None, None, 0.0)


def test_hashes_tell_a_repeated_order_and_a_repeated_set(statistics: QuarterStatistics) -> None:
    one, two = (reshuffle(4_000, 0, epoch) for epoch in (0, 1))
    records = [statistics.record(1, 1, visits) for visits in (one, fixed(4_000, 0, 5), two, one[:-1])]
    assert records[0].order_hash == records[1].order_hash
    assert len({record.order_hash for record in records}) == 3
    assert [record.set_hash == records[0].set_hash for record in records] == [True, True, True, False]


def test_a_good_shuffle_looks_alike_in_all_quarters(statistics: QuarterStatistics) -> None:
    for visits in np.split(reshuffle(4_000, 0, 3), 4):
        record = statistics.record(1, 1, visits)
        assert record.place_mean == pytest.approx(1 / 2, abs=0.04)
        assert record.place_jump == pytest.approx(1 / 3, abs=0.03)
        assert record.time_mean == pytest.approx(10**15 + 2 * 10**9, abs=1.5e8)
        assert record.labels == 20


def test_a_small_buffer_over_sorted_data_shows_in_places_times_and_labels(statistics: QuarterStatistics) -> None:
    records = [statistics.record(1, 1, visits) for visits in np.split(buffered(4_000, 0, 3, 50), 4)]
    assert records[0].labels == records[-1].labels == 10
    assert np.diff([record.time_mean for record in records]).min() > 9e8
    assert max(record.place_jump for record in records) < 0.05
    assert records[0].place_mean == pytest.approx(1 / 8, abs=0.03)
    assert max(record.label_entropy_nats for record in records) < np.log(13)
