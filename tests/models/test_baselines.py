"""The points of both baselines."""

import numpy as np
import pytest

from models.baselines import baseline_points
from models.popularity import popularity
from models.windows import TrainingData


def test_both_baselines_are_evaluated_as_the_model_is(data: TrainingData) -> None:
    points = baseline_points(data, (5, 1), "expected")
    assert list(points) == ["popularity", "successor"]
    metrics = [f"{name}@{k}" for name in ("hr", "mrr", "ndcg", "coverage") for k in (5, 1)]
    for of_one in points.values():
        assert [(point.estimator, point.metric) for point in of_one] == [
            (estimator, metric) for estimator in ("validation", "test") for metric in metrics
        ]
        assert {point.count for point in of_one if point.metric.startswith("hr")} == {50}
        assert {(point.step, point.phase) for point in of_one} == {(0, 0)}
    rank_W = popularity(data.train, data.n_items).ranks(data.test, "expected")
    hr = next(p for p in points["popularity"] if (p.estimator, p.metric) == ("test", "hr@5"))
    assert hr.value == pytest.approx(np.mean(rank_W <= 5))


def test_successors_beat_popularity_where_items_follow_each_other(data: TrainingData) -> None:
    points = baseline_points(data, (5,), "expected")
    hr = {name: next(p.value for p in of_one if p.metric == "hr@5") for name, of_one in points.items()}
    assert hr["successor"] > 2 * hr["popularity"]  # type: ignore[operator]
