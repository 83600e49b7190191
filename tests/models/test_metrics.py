"""Ranks against plain Python, sums against a table made by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.errors import NonFiniteScoresError
from models.metrics import MetricSums, Ties, target_losses, target_ranks


def naive_rank(scores: list[float], target: int, ties: str) -> float:
    if target == 0:
        return math.inf
    own = scores[target - 1]
    greater = sum(score > own for score in scores)
    equal = sum(score == own for score in scores) - 1
    return 1 + greater + {"optimistic": 0, "expected": equal / 2, "pessimistic": equal}[ties]


@given(
    scores=st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12),
    place=st.integers(0, 12),
    ties=st.sampled_from(["expected", "optimistic", "pessimistic"]),
)
def test_ranks_equal_counting_in_plain_python(scores: list[float], place: int, ties: Ties) -> None:
    target = min(place, len(scores))
    rank_B = target_ranks(torch.tensor([scores]), torch.tensor([target]), ties)
    assert rank_B.dtype == torch.float64
    assert rank_B.tolist() == [naive_rank(scores, target, ties)]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    logits_BV = torch.zeros(2, 3)
    logits_BV[1, 2] = bad
    with pytest.raises(NonFiniteScoresError, match="lower learning rate"):
        target_ranks(logits_BV, torch.tensor([1, 1]), "expected")


def test_finite_scores_whose_sum_overflows_are_ranked() -> None:
    assert target_ranks(torch.tensor([[3e38, 2e38, 1e38]]), torch.tensor([2]), "expected").tolist() == [2]


def test_losses_come_from_logits_and_an_unknown_target_has_none() -> None:
    logits_BV = torch.tensor([[0.0, 0.0, 0.0, 0.0], [200.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]])
    loss_B = target_losses(logits_BV, torch.tensor([3, 2, 0]))
    torch.testing.assert_close(loss_B, torch.tensor([math.log(4), 200.0, 0.0]))


# rank      1    2    3.5          6    unknown
# hr@3      1    1    0            0    0
# mrr@3     1    1/2  0            0    0
# ndcg@3    1    1/log2(3) ...
# mrr@5     1    1/2  1/3.5        0    0
# ndcg@5    1    1/log2(3) 1/log2(4.5)
def table() -> MetricSums:
    rank_B = torch.tensor([1, 2, 3.5, 6, math.inf])
    loss_B = torch.tensor([1.0, 2.0, 3.0, 4.0, 0.0])
    return MetricSums.of_batch(loss_B, rank_B, torch.tensor([True] * 4 + [False]), (3, 5))


def test_sums_equal_a_table_made_by_hand() -> None:
    d2, d35 = 1 / math.log2(3), 1 / math.log2(4.5)
    expected = {
        "loss": (10, 30, 4),
        "hr@3": (2, 2, 5),
        "hr@5": (3, 3, 5),
        "mrr@3": (1.5, 1.25, 5),
        "mrr@5": (1.5 + 2 / 7, 1.25 + 4 / 49, 5),
        "ndcg@3": (1 + d2, 1 + d2**2, 5),
        "ndcg@5": (1 + d2 + d35, 1 + d2**2 + d35**2, 5),
    }
    rows = table().rows()
    assert list(rows) == list(expected)
    for name, row in expected.items():
        assert rows[name] == pytest.approx(row)


def test_merging_adds_and_zero_is_neutral() -> None:
    double = (table() + table()).rows()
    assert double["loss"] == (20, 60, 8)
    assert (MetricSums.zero((3, 5), torch.device("cpu")) + table()).rows() == table().rows()


def test_unequal_batches_weigh_what_they_hold() -> None:
    rank_B = torch.tensor([1.0, 1.0, 9.0])
    loss_B, known_B = torch.zeros(3), torch.ones(3, dtype=torch.bool)
    parts = [MetricSums.of_batch(loss_B[s], rank_B[s], known_B[s], (3,)) for s in (slice(2), slice(2, 3))]
    total, _, count = (parts[0] + parts[1]).rows()["hr@3"]
    assert total / count == pytest.approx(2 / 3)
