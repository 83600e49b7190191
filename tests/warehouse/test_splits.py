"""Which windows belong where, and that what is drawn is nested, repeatable and the smallest by rank."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.config import Dataset, Split
from warehouse.extract import FlatLog
from warehouse.flat import user_slices
from warehouse.splits import draw
from warehouse.windows import Candidates

ALL = {"train": 10**6, "validation": 10**6, "test": 10**6}


@pytest.fixture
def log(flat_log: Callable[..., FlatLog]) -> FlatLog:
    """Two users; T1 is 3, T2 is 5. Item 4 is never in train, item 3 only in a train history."""
    return flat_log([0] * 7 + [1] * 3, [3, 0, 1, 4, 1, 4, 0, 0, 2, 1], [0, 1, 2, 3, 4, 5, 6, 2, 3, 5], (3, 5))


def windows_of(log: FlatLog, ranks: list[int] | None = None) -> Candidates:
    lengths = [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]
    return Candidates(np.array(lengths, np.uint8), np.array(ranks or range(10), np.uint64))


def test_a_window_belongs_to_its_targets_time(log: FlatLog) -> None:
    found = draw(log, windows_of(log), Dataset(unknown_targets="miss"), ALL)
    assert {split: ends.tolist() for split, ends in found.ends.items()} == {
        "train": [1, 2],
        "validation": [3, 4, 8],
        "test": [5, 6, 9],
    }
    assert found.candidates == {"train": 2, "validation": 3, "test": 3}
    assert found.vocabulary.tolist() == [0, 1, 3]
    assert found.unknown_targets == {"validation": 2, "test": 1}


def test_unknown_targets_are_dropped_and_counted(log: FlatLog) -> None:
    found = draw(log, windows_of(log), Dataset(), ALL)
    assert found.ends["validation"].tolist() == [4]
    assert found.ends["test"].tolist() == [6, 9]
    assert found.unknown_targets == {"validation": 2, "test": 1}
    assert found.candidates["validation"] == 3


def test_leave_one_out(log: FlatLog) -> None:
    config = Dataset(split=Split(kind="leave_one_out"), unknown_targets="miss")
    found = draw(log, windows_of(log), config, ALL)
    assert found.ends["test"].tolist() == [6, 9]
    assert found.ends["validation"].tolist() == [5, 8]
    assert found.ends["train"].tolist() == [1, 2, 3, 4]


def test_min_history_leaves_short_ones_out(log: FlatLog) -> None:
    found = draw(log, windows_of(log), Dataset(min_history=2, unknown_targets="miss"), ALL)
    assert {split: ends.tolist() for split, ends in found.ends.items()} == {
        "train": [2],
        "validation": [3, 4],
        "test": [5, 6, 9],
    }


def test_the_vocabulary_is_that_of_the_windows_drawn(log: FlatLog) -> None:
    found = draw(log, windows_of(log), Dataset(), {**ALL, "train": 1})
    assert found.ends["train"].tolist() == [1]
    assert found.vocabulary.tolist() == [0, 3]
    assert found.unknown_targets == {"validation": 3, "test": 2}


ranks = st.lists(st.integers(0, 2**64 - 1), min_size=4, max_size=80, unique=True)
near = st.lists(st.integers(2**63, 2**63 + 200), min_size=4, max_size=80, unique=True)


@given(st.one_of(ranks, near), st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 5, 10**6]))
def test_the_smallest_ranks_are_drawn_and_are_nested(
    flat_log: Any, values: list[int], count: int, more: int, part: int
) -> None:
    size = len(values)
    log = flat_log([place // 3 for place in range(size)], [0, *[1] * (size - 1)], [0] * size, (1, 2))
    has_history = np.arange(size) % 3 > 0
    windows = Candidates(has_history.astype(np.uint8), np.array(values, np.uint64))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_slices, "__kwdefaults__", {"part": part})
        smaller, larger = (
            draw(log, windows, Dataset(), {**ALL, "train": n}).ends["train"] for n in (count, count + more)
        )
    expected = sorted(np.flatnonzero(has_history).tolist(), key=lambda place: values[place])[:count]
    assert smaller.tolist() == sorted(expected)
    assert set(smaller.tolist()) <= set(larger.tolist())
    assert smaller.dtype == np.int64
