"""The headline numbers, worked by hand."""

from typing import Any

import polars as pl

from warehouse.runs import SCHEMAS
from warehouse.summary import summary_of


def points(rows: list[tuple[int, float, str, str, float]]) -> pl.DataFrame:
    given = [
        {"step": step, "epoch": epoch, "estimator": estimator, "metric": metric, "value": value}
        for step, epoch, estimator, metric, value in rows
    ]
    return pl.DataFrame(given, schema=pl.Schema(SCHEMAS["curve_points"]))


def scores(rows: list[tuple[str, str, str, float]]) -> pl.DataFrame:
    given: list[dict[str, Any]] = [
        {"model": model, "split": split, "metric": metric, "value": value, "ci_low": value - 1, "ci_high": value + 1}
        for model, split, metric, value in rows
    ]
    return pl.DataFrame(given, schema=pl.Schema(SCHEMAS["scores"]))


def test_the_best_is_the_first_of_the_highest() -> None:
    curve = points([
        (1, 0.25, "validation", "hr@10", 0.1), (2, 0.5, "validation", "hr@10", 0.3),
        (3, 0.75, "validation", "hr@10", 0.3), (4, 1.0, "validation", "hr@10", 0.2),
        (2, 0.5, "train_probe", "hr@10", 0.9), (2, 0.5, "validation", "hr@5", 0.8),
        (1, 0.25, "validation", "loss", 5.0), (2, 0.5, "validation", "loss", 4.5),
        (2, 0.5, "train_probe", "loss", 1.0),
    ])  # fmt: skip
    tested = scores([
        ("gru", "test", "hr@10", 0.25), ("popularity", "test", "hr@10", 0.05), ("successor", "test", "hr@10", 0.11),
        ("gru", "validation", "hr@10", 0.3), ("gru", "test", "hr@5", 0.2),
    ])  # fmt: skip
    assert summary_of(curve, tested, 10) == {
        "metric": "hr@10",
        "best_validation_hr": 0.3,
        "best_validation_epoch": 0.5,
        "best_validation_loss": 4.5,
        "test_hr": 0.25,
        "test_hr_ci": [-0.75, 1.25],
        "popularity_hr": 0.05,
        "successor_hr": 0.11,
    }


def test_nothing_measured_is_nothing_claimed() -> None:
    found = summary_of(points([]), scores([]), 10)
    assert found.pop("metric") == "hr@10"
    assert found.pop("test_hr_ci") == [None, None]
    assert set(found.values()) == {None}
