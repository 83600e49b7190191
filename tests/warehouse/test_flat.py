"""Arithmetic on flat arrays against the obvious loops."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from warehouse.flat import PART, changes, mixed, new_array, since_start, user_slices

MASK = 2**64 - 1


def mixed_slowly(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 50))
def test_slices_never_divide_a_user(codes: list[int], part: int) -> None:
    users = np.array(sorted(codes), np.int32)
    slices = list(user_slices(users, part))
    assert [place for one in slices for place in range(one.start, one.stop)] == list(range(len(users)))
    seen = [set(users[one].tolist()) for one in slices]
    assert sum(map(len, seen)) == len(set(codes))
    longest = max(np.bincount(users), default=0)
    assert all(0 < one.stop - one.start < part + longest for one in slices)


def test_a_part_is_far_above_the_tests() -> None:
    assert list(user_slices(np.zeros(10, np.int32))) == [slice(0, 10)]
    assert PART > 1_000_000


@given(st.lists(st.integers(0, MASK)))
def test_mixed_is_splitmix64(values: list[int]) -> None:
    given_values = np.array(values, np.uint64)
    assert mixed(given_values).tolist() == [mixed_slowly(value) for value in values]
    assert given_values.tolist() == values


def test_mixed_is_the_published_sequence() -> None:
    """The first numbers of SplitMix64 from seed 0, as its authors' code prints them."""
    state = np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert mixed(state).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(st.lists(st.booleans(), min_size=1))
def test_since_start_counts_from_the_last_start(starts: list[bool]) -> None:
    starts[0] = True
    expected, count = [], 0
    for start in starts:
        count = 0 if start else count + 1
        expected.append(count)
    assert since_start(np.array(starts)).tolist() == expected


def test_changes() -> None:
    assert changes(np.array([1, 1, 2, 2, 1])).tolist() == [True, False, True, False, True]
    assert changes(np.array([], int)).tolist() == []


def test_a_new_array_is_written_out_so_that_a_full_disk_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    array = new_array(tmp_path / "array", np.uint64, 3_000_000)
    assert (len(array), array.any()) == (3_000_000, False)
    assert (tmp_path / "array").stat().st_blocks * 512 >= array.nbytes  # a sparse file would be mapped and then fail
    assert len(new_array(tmp_path / "none", np.uint8, 0)) == 0
