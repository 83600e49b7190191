import numpy as np
import pytest

from models import overlap as overlap_module
from models.overlap import overlap
from models.run_record import Overlap
from models.windows import HISTORY, WindowSet


def windows(rng, n, n_items=1, n_events=400):
    """Windows over few items, so that many are alike."""
    events = rng.integers(0, n_items + 1, n_events).astype(np.int32)
    ends = rng.integers(HISTORY, n_events, n)
    return WindowSet(events, ends, rng.integers(1, HISTORY + 1, n).astype(np.uint8))


def said(one: WindowSet):
    return [
        tuple(one.events[end - length : end + 1].tolist()) for end, length in zip(one.ends, one.lengths, strict=True)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_a_comparison_item_by_item(seed, monkeypatch):
    monkeypatch.setattr(overlap_module, "_BLOCK", 17)  # several blocks, the last one partial
    rng = np.random.default_rng(seed)
    train, validation = windows(rng, 300), windows(rng, 120)
    known = {each for each in said(train) if len(each) > 5}
    long = [each for each in said(validation) if len(each) > 5]
    expected = Overlap(sum(each in known for each in long), len(long))
    assert 0 < expected.shared < expected.compared
    assert overlap(train, validation) == expected


def test_a_history_that_is_longer_or_another_target_is_another_window():
    events = np.array([9, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 8], dtype=np.int32)
    train = WindowSet(events, np.array([6]), np.array([5], np.uint8))  # 1 to 5, then 6
    longer = WindowSet(events, np.array([6]), np.array([6], np.uint8))  # 9, 1 to 5, then 6
    other = WindowSet(events, np.array([13]), np.array([5], np.uint8))  # 1 to 5, then 8
    assert overlap(train, train) == Overlap(1, 1)
    assert overlap(train, longer) == Overlap(0, 1)
    assert overlap(train, other) == Overlap(0, 1)


def test_short_histories_are_not_compared():
    events = np.arange(1, 30, dtype=np.int32)
    one = WindowSet(events, np.array([4, 5, 20]), np.array([4, 5, 3], np.uint8))
    assert overlap(one, one) == Overlap(1, 1)
    none = WindowSet(events, np.array([], np.int64), np.array([], np.uint8))
    assert overlap(one, none) == Overlap(0, 0)
    assert overlap(none, one) == Overlap(0, 1)


def test_order_of_items_counts():
    events = np.array([1, 2, 3, 4, 5, 6, 2, 1, 3, 4, 5, 6], dtype=np.int32)
    first, second = (WindowSet(events, np.array([end]), np.array([5], np.uint8)) for end in (5, 11))
    assert overlap(first, second).shared == 0
