"""Each gate can fail, and says why."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from warehouse.config import Dataset, Split
from warehouse.errors import WarehouseError
from warehouse.extract import FlatLog
from warehouse.gates import check
from warehouse.splits import Drawn
from warehouse.ties import judge_ties


@pytest.fixture
def log(flat_log: Callable[..., FlatLog]) -> FlatLog:
    return flat_log([0] * 4 + [1] * 4, [0, 1, 2, 0, 1, 2, 0, 1], list(range(8)), (4, 6))


@pytest.fixture
def drawn() -> Drawn:
    return Drawn(
        ends={"train": np.array([1, 2, 3]), "validation": np.array([4, 5]), "test": np.array([6, 7])},
        candidates={"train": 3, "validation": 2, "test": 2},
        asked={"train": 3, "validation": 2, "test": 2},
        unknown_targets={"validation": 0, "test": 0},
        vocabulary=np.array([0, 1, 2], np.int32),
    )


def refused(log: FlatLog, drawn: Drawn, **settings: Any) -> str:
    with pytest.raises(WarehouseError, match=r"^the dataset is not built: ") as caught:
        check(log, drawn, judge_ties(log, "auto"), Dataset(**settings))
    return str(caught.value)


def test_all_gates_pass_with_their_evidence(log: FlatLog, drawn: Drawn) -> None:
    gates = check(log, drawn, judge_ties(log, "auto"), Dataset())
    assert {gate.name: gate.evidence for gate in gates} == {
        "as many windows as asked": "train 3 of 3 asked, validation 2 of 2 asked, test 2 of 2 asked",
        "no window in two splits": "0 of 7 windows are in two splits",
        "no train target at or after T1": "0 train targets at or after T1",
        "at least two users to learn from": "the log has 2 user(s) with enough events",
        "at least two items to tell apart": "the train windows show 3 item(s)",
        "order of ties": "only 0 tied pairs of different items, too few to test",
    }
    assert all(gate.as_dict()["passed"] for gate in gates)


def test_leave_one_out_has_no_cut_to_check(log: FlatLog, drawn: Drawn) -> None:
    late = replace(drawn, ends={**drawn.ends, "train": np.array([0, 2, 3])})
    gates = check(log, late, judge_ties(log, "auto"), Dataset(split=Split(kind="leave_one_out")))
    assert "no train target at or after T1" not in {gate.name for gate in gates}


def test_a_window_in_two_splits(log: FlatLog, drawn: Drawn) -> None:
    twice = replace(drawn, ends={**drawn.ends, "test": np.array([5, 7])})
    assert "no window in two splits: 1 of 7 windows are in two splits" in refused(log, twice)


@pytest.mark.parametrize("late", [4, 7])
def test_a_train_target_at_or_after_the_cut(log: FlatLog, drawn: Drawn, late: int) -> None:
    ends = {"train": np.array([1, 2, late]), "validation": np.array([5]), "test": np.array([6])}
    message = refused(log, replace(drawn, ends=ends), allow_fewer=True)
    assert "no train target at or after T1: 1 train targets at or after T1" in message


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_an_empty_split_even_where_fewer_are_allowed(log: FlatLog, drawn: Drawn, split: str) -> None:
    empty = replace(drawn, ends={**drawn.ends, split: np.array([], np.int64)}, unknown_targets={"test": 2})
    message = refused(log, empty, allow_fewer=True)
    assert f"{split} has none ({split} has {drawn.candidates[split]} candidates" in message
    assert ("2 of them with a target never seen in train" in message) is (split == "test")


def test_fewer_windows_than_asked(log: FlatLog, drawn: Drawn) -> None:
    more = replace(drawn, asked={"train": 250_000, "validation": 2, "test": 2})
    message = refused(log, more)
    assert "train 3 of 250,000 asked" in message
    assert "(train has 3 candidates); choose a smaller --size" in message
    assert "--dataset.allow-fewer true" in message
    assert check(log, more, judge_ties(log, "auto"), Dataset(allow_fewer=True))


def test_one_item_is_no_vocabulary(log: FlatLog, drawn: Drawn) -> None:
    one = replace(drawn, vocabulary=np.array([0], np.int32))
    assert "at least two items to tell apart: the train windows show 1 item(s)" in refused(log, one)


def test_one_user_is_no_log(flat_log: Callable[..., FlatLog], drawn: Drawn) -> None:
    log = flat_log([0] * 8, [0, 1, 2, 0, 1, 2, 0, 1], list(range(8)), (4, 6))
    assert "at least two users to learn from: the log has 1 user(s) with enough events" in refused(log, drawn)


def test_every_failure_is_named(log: FlatLog, drawn: Drawn) -> None:
    bad = replace(drawn, vocabulary=np.array([], np.int32), asked={**drawn.asked, "test": 3})
    message = refused(log, bad)
    assert "as many windows as asked" in message
    assert "at least two items" in message
