"""Ranks by successor, by hand and against dense scores."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import Ties, target_ranks
from models.successor import successor
from models.windows import WindowSet


def one_item_windows(pairs: list[tuple[int, int]]) -> WindowSet:
    events = np.array(pairs, dtype=np.int32).reshape(-1)
    return WindowSet(events, np.arange(1, len(events), 2), np.ones(len(pairs), dtype=np.uint8))


def dense_scores(train: list[tuple[int, int]], n_items: int, last: int) -> torch.Tensor:
    """Followers of the last item first, popularity second: as one number."""
    scores = torch.zeros(n_items)
    for before, after in train:
        if after:
            scores[after - 1] += 1 + (1000 if before == last != 0 else 0)
    return scores


def test_ranks_of_a_log_worked_by_hand() -> None:
    # After 1: item 2 twice, 3 once. Popularity: 2 and 4 thrice, 3 once, 1 and 5 never.
    train = one_item_windows([(1, 2), (1, 2), (1, 3), (2, 4), (2, 4), (4, 2), (3, 4)])
    model = successor(train, n_items=5)
    asked = one_item_windows([(1, 2), (1, 3), (1, 4), (1, 1), (2, 4), (2, 2), (5, 2), (0, 3), (1, 0)])
    assert model.ranks(asked, "expected").tolist() == [1, 2, 3, 4.5, 1, 2, 1.5, 3, np.inf]
    assert model.ranks(asked, "optimistic").tolist() == [1, 2, 3, 4, 1, 2, 1, 3, np.inf]
    assert model.ranks(asked, "pessimistic").tolist() == [1, 2, 3, 5, 1, 2, 2, 3, np.inf]
    # After 2: item 4, then the popular ones: 2, then 3.
    assert [model.shown(one_item_windows([(2, 4)]), k) for k in (1, 2, 3, 9)] == [1, 2, 3, 5]


PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40)


@given(train=PAIRS, asked=PAIRS, k=st.integers(1, 8), ties=st.sampled_from(["expected", "optimistic", "pessimistic"]))
def test_ranks_and_coverage_equal_those_of_a_matrix_of_scores(
    train: list[tuple[int, int]], asked: list[tuple[int, int]], k: int, ties: Ties
) -> None:
    model = successor(one_item_windows(train), n_items=6)
    scores_WV = torch.stack([dense_scores(train, 6, last) for last, _ in asked])
    target_W = torch.tensor([target for _, target in asked])
    expected = target_ranks(scores_WV, target_W, ties).tolist()
    assert model.ranks(one_item_windows(asked), ties).tolist() == expected
    best_first_WV = scores_WV.argsort(dim=1, descending=True, stable=True)  # equals by code, as in the baseline
    assert model.shown(one_item_windows(asked), k) == len(best_first_WV[:, :k].unique())


def test_a_large_catalogue_needs_no_square_matrix() -> None:
    rng = np.random.default_rng(0)
    events = rng.integers(1, 70_001, 50_000).astype(np.int32)
    windows = WindowSet(events, np.arange(1, 50_000), np.ones(49_999, dtype=np.uint8))
    ranks = successor(windows, 70_000).ranks(windows, "expected")
    assert ranks.min() == 1
    assert ranks.max() < 20  # few items follow one another more than once
