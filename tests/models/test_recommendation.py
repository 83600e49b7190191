"""Lists against the scores of each history alone."""

import numpy as np
import pytest
import torch

from models import recommendation
from models.config import Model
from models.errors import ModelError
from models.gru import NextItemGRU, build_model
from models.recommendation import recommend


@pytest.fixture
def model() -> NextItemGRU:
    return build_model(Model(embedding_dim=4, hidden_dim=6, dropout=0.5), 9, seed=3)


def test_lists_are_the_best_scores_of_each_history_alone(model: NextItemGRU, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "rows_per_batch", lambda *_: 2)
    histories = [[1, 2, 3], [9], [0, 4]]
    codes, scores = recommend(model, histories, k=4)
    assert (codes.dtype, scores.dtype, codes.shape) == (np.int64, np.float32, (3, 4))
    assert model.training
    model.eval()
    for row, history in enumerate(histories):
        logits = model(torch.tensor([history]), torch.tensor([len(history)]))[0].detach()
        order = logits.argsort(descending=True)[:4]
        assert codes[row].tolist() == (order + 1).tolist()
        np.testing.assert_allclose(scores[row], logits[order].numpy(), rtol=1e-5)


def test_the_last_ten_items_count(model: NextItemGRU) -> None:
    long = [7, 8, *range(1, 10), 5]
    codes, scores = recommend(model, [long, long[-10:], long[-9:]], k=9)
    assert np.array_equal(codes[0], codes[1])
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-4)
    assert not np.allclose(scores[0], scores[2], rtol=1e-4)


def test_what_is_left_out_is_in_no_list(model: NextItemGRU, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "rows_per_batch", lambda *_: 2)
    histories, none = [[1, 2], [3], [4], [5]], np.empty(0, np.int32)
    left_out = [np.array([1, 2, 2], np.int32), none, np.arange(1, 8, dtype=np.int32), np.arange(1, 10, dtype=np.int32)]
    every, every_score = recommend(model, histories, k=9)
    codes, scores = recommend(model, histories, k=4, left_out=left_out)
    for row, out in enumerate(left_out):
        kept = [place for place in range(9) if every[row, place] not in out][:4]
        expected = every[row, kept].tolist() + [0] * (4 - len(kept))
        assert codes[row].tolist() == expected
        np.testing.assert_allclose(scores[row, : len(kept)], every_score[row, kept], rtol=1e-5)
        assert np.isneginf(scores[row, len(kept) :]).all()


def test_no_histories_give_no_lists(model: NextItemGRU) -> None:
    assert recommend(model, [], k=2)[0].shape == (0, 2)


@pytest.mark.parametrize(
    ("histories", "k", "message"),
    [
        ([[1], []], 3, "History 1 is empty"),
        ([[1, 10]], 3, "code 10, but codes go from 0"),
        ([[-1]], 3, "code -1"),
        ([[1]], 0, "k is 0"),
        ([[1]], 10, "ask for 1 to 9"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    model: NextItemGRU, histories: list[list[int]], k: int, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        recommend(model, histories, k)
