"""Intervals against published numbers."""

import math

import pytest

from models.intervals import interval, normal, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_equals_published_numbers(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


def test_normal_equals_a_sample_worked_by_hand() -> None:
    # 2, 4, 6: mean 4, variance 4, standard error 2 / sqrt(3).
    half = 1.959964 * 2 / math.sqrt(3)
    assert normal(12, 56, 3) == pytest.approx((4 - half, 4 + half), abs=1e-5)


def test_bounds_stay_where_the_metric_can_be() -> None:
    # mean 0.95, variance 1.85 - 2 x 0.95^2 = 0.045, standard error sqrt(0.0225)
    assert interval("mrr@10", 1.9, 1.85, 2) == (pytest.approx(0.95 - 1.959964 * 0.15), 1.0)
    low, high = interval("loss", 4.0, 16.0, 2) or (-1.0, -1.0)
    assert low == 0
    assert high > 4


def test_rounding_does_not_make_a_variance_negative() -> None:
    assert normal(0.3, 0.03 - 1e-17, 3) == pytest.approx((0.1, 0.1))


def test_too_few_windows_have_no_interval() -> None:
    assert interval("hr@10", 0, 0, 0) is None
    assert interval("loss", 0, 0, 0) is None
    assert interval("ndcg@10", 0.5, 0.25, 1) is None
    assert interval("hr@10", 1, 1, 1) is not None
