"""Watched windows are those of the split, in its order, at every evaluation; a failed evaluation leaves no row."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from models import watching
from models.config import Compute, Training
from models.training import train
from models.watching import Watch
from models.windows import TrainingData


def batch(*values: float) -> tuple[Tensor, Tensor]:
    return torch.tensor(values), torch.tensor([value + 10 for value in values], dtype=torch.float64)


def test_only_the_first_windows_are_watched_whatever_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_WATCHED", 3)
    watch = Watch(5)
    for step in (4, 8):
        for values in ((1.0, 2.0), (3.0, 4.0), (5.0,)):
            watch.note(*batch(*(value * step for value in values)))
        watch.close(step)
    scores = watch.scores()
    assert scores is not None
    assert scores.step_K.tolist() == [4, 8]
    assert scores.loss_KW.tolist() == [[4, 8, 12], [8, 16, 24]]
    assert scores.rank_KW.tolist() == [[14, 18, 22], [18, 26, 34]]


def test_an_evaluation_that_came_to_nothing_is_forgotten() -> None:
    watch = Watch(2)
    assert watch.scores() is None
    watch.note(*batch(1.0))
    watch.forget()
    watch.note(*batch(7.0, 8.0))
    watch.close(3)
    scores = watch.scores()
    assert scores is not None
    assert scores.loss_KW.tolist() == [[7, 8]]


def test_watched_windows_add_up_to_the_validation_curve(
    data: TrainingData, tiny: Callable[..., Training], compute: Compute
) -> None:
    trained = train(data, tiny(), compute, lambda _: None)
    assert trained.watched is not None
    for metric, sums in (
        ("loss", trained.watched.loss_KW.sum(1)),
        ("hr@5", (trained.watched.rank_KW <= 5).sum(1)),
        ("hr@1", (trained.watched.rank_KW <= 1).sum(1)),
    ):
        points = [point for point in trained.points if (point.estimator, point.metric) == ("validation", metric)]
        assert [point.step for point in points] == trained.watched.step_K.tolist()
        np.testing.assert_allclose(sums, [point.sum for point in points], rtol=1e-5)
