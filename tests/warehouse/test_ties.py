"""Which order tied events get, and what it is founded on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.extract import FlatLog
from warehouse.flat import user_slices
from warehouse.ties import hash_ties, judge_ties, same_moment

MakeLog = Callable[..., FlatLog]


def test_evidence_by_hand(flat_log: MakeLog) -> None:
    """Tied pairs: 1-0 falls, 0-3 rises, 3-3 is the same item; 2-1 of another user falls; 5-6 is not tied."""
    log = flat_log([0, 0, 0, 0, 0, 1, 1, 2], [5, 1, 0, 3, 3, 2, 1, 6], [1, 2, 2, 2, 2, 2, 2, 2], (None, None))
    assert same_moment(log.users, log.times).tolist() == [False, False, True, True, True, False, True, False]
    found = judge_ties(log, "auto")
    assert (found.tied_pairs, found.ascending_share) == (3, 1 / 3)
    assert found.interval == pytest.approx((0.0615, 0.7923), abs=1e-4)
    assert (found.choice, found.reason) == ("source", "only 3 tied pairs of different items, too few to test")
    assert found.as_dict()["asked"] == "auto"


def baskets(flat_log: MakeLog, order: Callable[[list[int]], list[int]], count: int = 60, items: int = 120) -> FlatLog:
    """Return users of one basket of five tied items each, in the order given."""
    random = np.random.default_rng(5)
    users = np.repeat(np.arange(count), 5).tolist()
    chosen = [item for _ in range(count) for item in order(random.choice(items, 5, replace=False).tolist())]
    return flat_log([*users, count], [*chosen, items - 1], [7] * (5 * count + 1), (None, None))


@pytest.mark.parametrize(
    ("order", "choice"),
    [
        (sorted, "hash"),
        (lambda items: sorted(items, reverse=True), "hash"),
        (lambda items: sorted(items, key=str), "hash"),
        (lambda items: sorted(items, key=str, reverse=True), "hash"),
        (lambda items: items, "source"),
        (lambda items: sorted(items[:3]) + items[3:], "source"),
    ],
    ids=["numbers", "numbers falling", "text", "text falling", "shuffled", "half sorted"],
)
def test_auto_hashes_what_was_sorted(flat_log: MakeLog, order: Any, choice: str) -> None:
    found = judge_ties(baskets(flat_log, order), "auto")
    assert (found.choice, found.tied_pairs) == (choice, 240)
    assert ("sorted by item, so that order says nothing" in found.reason) is (choice == "hash")
    assert "95 % interval" in found.reason


def test_a_share_that_may_be_chance_keeps_the_source(flat_log: MakeLog) -> None:
    """28 of 30 pairs ascend: more than 90 %, but the interval reaches below."""
    users = np.repeat(np.arange(30), 2).tolist()
    items = [0, 1] * 28 + [1, 0] * 2
    found = judge_ties(flat_log(users, items, [0] * 60, (None, None)), "auto")
    assert found.ascending_share == pytest.approx(28 / 30)
    assert found.choice == "source"


@pytest.mark.parametrize("asked", ["source", "hash"])
def test_what_is_asked_is_done_and_warned_of(flat_log: MakeLog, asked: Any) -> None:
    found = judge_ties(baskets(flat_log, sorted), asked)
    assert found.choice == asked
    assert found.reason.startswith("asked for; 100.000% of 240 tied pairs ascend")
    assert ("a model may learn the sorting" in found.reason) is (asked == "source")


def test_no_ties_is_no_evidence(flat_log: MakeLog) -> None:
    log = flat_log([0, 0], [0, 1], [1, 2], (None, None))
    assert judge_ties(log, "auto").ascending_share is None
    found = judge_ties(log, "hash")
    assert (found.choice, found.interval) == ("hash", None)
    assert found.reason.startswith("asked for; only 0 tied pairs")


tied_logs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 5)), min_size=1, max_size=40)


@given(tied_logs, st.randoms(use_true_random=False), st.integers(1, 9))
def test_a_hashed_order_does_not_know_the_rows_order(
    flat_log: MakeLog, rows: list[tuple[int, int, int]], random: Any, part: int
) -> None:
    def hashed(given_rows: list[tuple[int, int, int]], size: int) -> list[int]:
        ordered = sorted(given_rows, key=lambda row: row[:2])
        users, times, items = (list(column) for column in zip(*ordered, strict=True))
        log = flat_log([*users, 4], [*items, 6], [*times, 0], (None, None))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(user_slices, "__kwdefaults__", {"part": size})
            hash_ties(log, 11)
        for run in {(user, time) for user, time, _ in ordered}:
            places = [place for place, row in enumerate(ordered) if row[:2] == run]
            assert sorted(log.items[places]) == sorted(items[place] for place in places)
        return log.items.tolist()

    shuffled = rows[:]
    random.shuffle(shuffled)
    assert hashed(rows, 10**6) == hashed(shuffled, part)


def test_hashed_orders_are_even_and_differ_by_seed(flat_log: MakeLog) -> None:
    log, other = baskets(flat_log, sorted, 400), baskets(flat_log, sorted, 400)
    hash_ties(log, 0)
    hash_ties(other, 1)
    assert (log.items != other.items).any()
    found = judge_ties(log, "auto")
    assert 0.45 < found.ascending_share < 0.55
    assert found.choice == "source"
