"""One pass over a split against the separate ones."""

from collections.abc import Callable

import pytest
import torch

from models import backend
from models.assessment import assess, assess_split
from models.batches import on_device
from models.config import Compute, Training
from models.curves import Moment
from models.evaluation import Scoring, evaluate, window_ranks
from models.gru import build_model
from models.windows import TrainingData

CPU = torch.device("cpu")


def test_one_pass_says_what_the_separate_ones_do(
    data: TrainingData, tiny: Callable[..., Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "rows_per_batch", lambda *_: 7)
    model = build_model(tiny().model, data.n_items, seed=5).eval()
    windows, scoring = on_device(data.test, CPU), Scoring((2, 1, 99), "expected")
    result = assess(model, windows, scoring)
    assert result.sums.rows() == evaluate(model, windows, scoring).rows()
    assert torch.equal(result.rank_W, window_ranks(model, windows, "expected"))
    batch = windows.cut(slice(None))
    order_WV = model(batch.history_BL, batch.length_B).argsort(dim=1, descending=True)
    assert result.n_shown == {k: len(order_WV[:, :k].unique()) for k in (2, 1)} | {99: data.n_items}


def test_points_hold_the_metrics_and_the_coverage(
    data: TrainingData, tiny: Callable[..., Training], compute: Compute
) -> None:
    model = build_model(tiny().model, data.n_items, seed=5)
    result = assess_split(model, data.test, tiny(), compute)
    points = {point.metric: point for point in result.points(Moment(8, 1.0, 0), "test")}
    assert {"loss", "hr@5", "mrr@1", "coverage@5", "coverage@1"} <= set(points)
    coverage = points["coverage@5"]
    assert coverage.value == result.n_shown[5] / data.n_items
    assert (coverage.step, coverage.estimator, points["hr@5"].count) == (8, "test", 50)
