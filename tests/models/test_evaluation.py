"""Evaluation in batches against windows one by one."""

import math

import pytest
import torch
from torch.nn import functional

from models import backend
from models.backend import rows_per_batch
from models.batches import on_device
from models.config import Model
from models.errors import NonFiniteScoresError
from models.evaluation import Scoring, evaluate, frozen, window_ranks
from models.gru import NextItemGRU, build_model
from models.windows import TrainingData, WindowSet

CPU = torch.device("cpu")
SCORING = Scoring((5, 1), "expected")


@pytest.fixture
def model(data: TrainingData) -> NextItemGRU:
    return build_model(Model(embedding_dim=8, hidden_dim=12, dropout=0.5), data.n_items, seed=2)


def one_by_one(model: NextItemGRU, windows: WindowSet) -> tuple[list[float], list[float]]:
    """Losses of known targets and ranks of all, each window alone and never padded."""
    losses, ranks = [], []
    for end, length in zip(windows.ends, windows.lengths, strict=True):
        history = torch.tensor(windows.events[end - length : end], dtype=torch.int64)
        with torch.no_grad():
            logits = model(history.unsqueeze(0), torch.tensor([len(history)]))[0]
        target = int(windows.events[end])
        if target:
            losses.append(functional.cross_entropy(logits, torch.tensor(target - 1)).item())
        ranks.append(1 + sum(logits > logits[target - 1]).item() if target else math.inf)
    return losses, ranks


def test_evaluation_equals_windows_one_by_one(
    data: TrainingData, model: NextItemGRU, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "rows_per_batch", lambda *_: 16)  # 50 windows: the last batch has 2
    rows = evaluate(model, on_device(data.validation, CPU), SCORING).rows()
    losses, ranks = one_by_one(model.eval(), data.validation)
    assert 0 < len(losses) < len(ranks)
    assert rows["loss"] == pytest.approx((sum(losses), sum(x * x for x in losses), len(losses)), rel=1e-5)
    assert rows["hr@5"] == (sum(rank <= 5 for rank in ranks),) * 2 + (50,)
    assert rows["mrr@5"][0] == pytest.approx(sum(1 / rank for rank in ranks if rank <= 5))
    assert window_ranks(model, on_device(data.validation, CPU), "expected").tolist() == ranks


def test_chosen_windows_alone_are_evaluated(data: TrainingData, model: NextItemGRU) -> None:
    indices = torch.tensor([1, 4, 40])
    windows = on_device(data.train, CPU)
    every = window_ranks(model, windows, "expected")
    assert torch.equal(window_ranks(model, windows, "expected", indices), every[indices])
    assert evaluate(model, windows, SCORING, indices).rows()["hr@1"][2] == 3


def test_no_windows_sum_to_nothing(data: TrainingData, model: NextItemGRU) -> None:
    nothing = on_device(WindowSet(data.test.events, data.test.ends[:0], data.test.lengths[:0]), CPU)
    assert evaluate(model, nothing, SCORING).rows()["hr@5"] == (0, 0, 0)
    assert window_ranks(model, nothing, "expected").shape == (0,)


@pytest.mark.parametrize("was_training", [True, False])
def test_the_mode_is_given_back_even_after_an_error(model: NextItemGRU, was_training: bool) -> None:
    model.train(was_training)

    def fail_inside() -> None:
        with frozen(model):
            raise KeyError(model.training, torch.is_inference_mode_enabled())

    with pytest.raises(KeyError) as caught:
        fail_inside()
    assert caught.value.args == (False, True)
    assert model.training is was_training


def test_broken_weights_are_refused(data: TrainingData, model: NextItemGRU) -> None:
    with torch.no_grad():
        model.output.linear.bias[3] = math.nan
    with pytest.raises(NonFiniteScoresError):
        evaluate(model, on_device(data.test, CPU), SCORING)


def test_batches_are_sized_by_their_scores() -> None:
    assert rows_per_batch(4600, CPU) == 227
    assert rows_per_batch(70_000, CPU) == 64
    assert rows_per_batch(10, CPU) == 4096
    assert rows_per_batch(70_000, torch.device("cuda")) == 958
