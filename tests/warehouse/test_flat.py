"""Arithmetic on flat arrays against the obvious loops."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from warehouse.flat import PART, changes, let_go, mixed, since_start, user_slices, within, written

MASK = 2**64 - 1


def mixed_slowly(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 50))
def test_slices_never_divide_a_user(codes: list[int], part: int) -> None:
    users = np.array(sorted(codes), np.int32)
    slices = list(user_slices(users, part=part))
    assert [place for one in slices for place in range(one.start, one.stop)] == list(range(len(users)))
    seen = [set(users[one].tolist()) for one in slices]
    assert sum(map(len, seen)) == len(set(codes))
    longest = max(np.bincount(users), default=0)
    assert all(0 < one.stop - one.start < part + longest for one in slices)


def test_a_part_is_far_above_the_tests() -> None:
    assert list(user_slices(np.zeros(10, np.int32))) == [slice(0, 10)]
    assert PART > 100_000


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


def test_arrays_are_written_out_so_that_a_full_disk_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    parts = [(np.arange(start, start + 1_000), np.ones(1_000, bool)) for start in range(0, 9_000, 1_000)]
    numbers, flags = written(tmp_path, {"numbers": np.int32, "flags": np.uint8}, parts)
    assert (numbers.tolist(), numbers.dtype) == (list(range(9_000)), np.int32)
    assert (flags.tolist(), flags.dtype) == ([1] * 9_000, np.uint8)
    # a sparse file would be mapped and then fail
    assert (tmp_path / "numbers.raw").stat().st_blocks * 512 >= numbers.nbytes
    assert [len(one) for one in written(tmp_path, {"none": np.uint8}, [])] == [0]


def test_a_mapped_array_can_be_let_go_and_holds_what_it_held(tmp_path: Path) -> None:
    (array,) = written(tmp_path, {"numbers": np.int64}, [(np.arange(4_000_000),)])
    before = mapped_kb()
    array += 1
    assert mapped_kb() - before > 30_000
    let_go(array[1:][:3])  # a part of a part: it is the whole array that is let go
    assert mapped_kb() - before < 1_000
    assert int(array.sum()) == 4_000_000 * 4_000_001 // 2
    let_go(np.arange(3))


def test_slices_let_go_of_what_they_touched(tmp_path: Path) -> None:
    users, times = written(tmp_path, {"users": np.int32, "times": np.int64}, [(np.arange(4_000_000),) * 2])
    before = mapped_kb()
    most, total = 0, 0
    for part in user_slices(users, times, part=100_000):
        total += int(times[part].sum()) + int(users[part].sum())
        most = max(most, mapped_kb() - before)
    assert total == 4_000_000 * 3_999_999
    assert most < 24_000  # of 48,000


def mapped_kb() -> int:
    """Return how much of mapped files is in this process's memory, in kB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssFile"))
    return int(line.split()[1])


@given(st.lists(st.integers(0, 60), unique=True), st.integers(0, 60), st.integers(0, 60))
def test_within_counts_from_the_parts_start(positions: list[int], one: int, other: int) -> None:
    part = slice(min(one, other), max(one, other))
    expected = [place - part.start for place in sorted(positions) if part.start <= place < part.stop]
    assert within(np.array(sorted(positions), np.int64), part).tolist() == expected
