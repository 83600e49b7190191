"""Ranks by popularity, by hand and against dense scores."""

import numpy as np
import pytest
import torch

from models.metrics import Ties, target_ranks
from models.popularity import popularity
from models.windows import TrainingData, WindowSet


def test_ranks_of_a_log_worked_by_hand() -> None:
    events = np.array([1, 3, 3, 2, 1, 3, 0], dtype=np.int32)  # targets 3 3 2 1 3: item 3 thrice, 1 and 2 once, 4 never
    windows = WindowSet(events, np.arange(1, 7), np.ones(6, dtype=np.uint8))
    popular = popularity(WindowSet(events, windows.ends[:5], windows.lengths[:5]), n_items=4)
    assert popular.order_V.tolist() == [2, 0, 1, 3]
    assert popular.ranks(windows, "expected").tolist() == [1, 1, 2.5, 2.5, 1, np.inf]
    assert popular.ranks(windows, "optimistic").tolist() == [1, 1, 2, 2, 1, np.inf]
    assert popular.ranks(windows, "pessimistic").tolist() == [1, 1, 3, 3, 1, np.inf]
    assert [popular.shown(windows, k) for k in (1, 3, 9)] == [1, 3, 4]


@pytest.mark.parametrize("ties", ["expected", "optimistic", "pessimistic"])
def test_ranks_equal_those_of_a_matrix_of_scores(data: TrainingData, ties: Ties) -> None:
    counts = np.bincount(data.train.events[data.train.ends], minlength=data.n_items + 1)[1:]
    target_W = torch.from_numpy(data.test.events[data.test.ends].astype(np.int64))
    scores_WV = torch.from_numpy(counts).float().expand(len(target_W), -1)
    expected = target_ranks(scores_WV, target_W, ties).numpy()
    assert np.array_equal(popularity(data.train, data.n_items).ranks(data.test, ties), expected)
