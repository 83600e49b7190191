"""The compiled passes against torch, one operation each; NaN and infinity too."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models import kernels
from models.kernels import add_bias, add_columns, count, exponentiate
from models.survey import keep_best, survey

SCORES = arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 40)), elements=st.floats(-60, 60, width=32))


@pytest.mark.parametrize("largest", [0.0, 80.0, -200.0])
def test_exponentials_are_those_of_float64(largest: float) -> None:
    scores = np.linspace(largest - 100, largest, 100_001, dtype=np.float32)[None]
    made, total = scores.copy(), np.zeros(1)
    exponentiate(made, np.array([largest], np.float32), total)
    exact = np.exp(np.maximum((scores - np.float32(largest)).astype(np.float64), -87))
    np.testing.assert_allclose(made, exact, rtol=3e-7)
    assert total[0] == pytest.approx(exact.sum(), rel=1e-5)


@given(SCORES, st.data())
def test_scores_above_and_equal_are_counted_exactly(scores: np.ndarray, data: st.DataObject) -> None:
    columns = data.draw(arrays(np.int64, len(scores), elements=st.integers(0, scores.shape[1] - 1)))
    target = scores[np.arange(len(scores)), columns]
    above, equal = np.ones((2, len(scores)), np.int32)
    count(scores, target, above, equal)
    assert (above == 1 + (scores > target[:, None]).sum(1)).all()
    assert (equal == 1 + (scores == target[:, None]).sum(1)).all()


@given(SCORES)
def test_bias_is_added_and_the_largest_kept(scores: np.ndarray) -> None:
    bias, largest = np.linspace(-3, 3, scores.shape[1], dtype=np.float32), np.full(len(scores), -50, np.float32)
    expected = scores + bias
    add_bias(scores, bias, largest)
    np.testing.assert_array_equal(scores, expected)
    np.testing.assert_array_equal(largest, np.maximum(expected.max(1), -50))


@given(SCORES)
def test_columns_are_added_by_share(scores: np.ndarray) -> None:
    share, found = np.linspace(0, 1, len(scores), dtype=np.float32), np.full(scores.shape[1], np.nan, np.float32)
    add_columns(scores, share, found)
    np.testing.assert_allclose(found, share.astype(np.float64) @ scores, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("place", [0, 17, 39])
def test_what_is_not_finite_reaches_the_sum(bad: float, place: int) -> None:
    scores, largest, total = np.zeros((1, 40), np.float32), np.full(1, -np.inf, np.float32), np.zeros(1)
    scores[0, place] = bad
    add_bias(scores, np.zeros(40, np.float32), largest)
    surveyed(scores, largest, np.full(1, -np.inf, np.float32), total, -1.0, 1.0)
    assert not np.isfinite(total).all()
    exponentiate(scores, largest, total)
    assert not np.isfinite(total).all()


def surveyed(
    scores: np.ndarray, largest: np.ndarray, scaled: np.ndarray, total: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Go over a block of columns from 5; return how many are above, how many are close, and the first three that are.

    The target of row b is the block's column b, but for the first row's, which is in another block.
    """
    n_rows = len(scores)
    columns, found = 5 + np.arange(n_rows), np.full(n_rows, np.nan, np.float32)
    columns[0] = 4
    bounds = (np.full(n_rows, bound, np.float32) for bound in (low, high))
    (above, n_close), close = np.zeros((2, n_rows), np.int32), np.full((n_rows, 3), np.nan, np.float32)
    survey(np.ascontiguousarray(scores), 5, columns, found, largest, scaled, *bounds, total, above, n_close, close)
    if scores.shape[1] >= n_rows:
        np.testing.assert_array_equal(found[1:], scores[range(1, n_rows), range(1, n_rows)])
    assert np.isnan(found[0])
    return above, n_close, close


@given(SCORES, st.floats(-70, 70, width=32), st.floats(0, 9, width=32))
def test_a_survey_counts_sums_and_keeps_what_is_close(scores: np.ndarray, low: float, width: float) -> None:
    scores = np.repeat(scores, 20, axis=1)  # longer than what is looked over together
    high, n_rows = np.float32(low) + np.float32(width), len(scores)
    largest, scaled, total = *np.full((2, n_rows), -np.inf, np.float32), np.zeros(n_rows)
    add_bias(scores, np.zeros(scores.shape[1], np.float32), largest)
    above, n_close, close = surveyed(scores, largest, scaled, total, low, high)
    is_close = (scores >= np.float32(low)) & (scores <= high)
    assert (above == (scores > high).sum(1)).all()
    assert (n_close == is_close.sum(1)).all()
    for row in range(n_rows):
        assert close[row][~np.isnan(close[row])].tolist() == scores[row][is_close[row]][:3].tolist()
    exact = np.exp(scores.astype(np.float64) - largest[:, None].astype(np.float64)).sum(1)
    np.testing.assert_allclose(total, exact, rtol=1e-5)
    np.testing.assert_array_equal(scaled, largest)


@given(SCORES)
def test_sums_of_two_blocks_are_scaled_by_the_larger(scores: np.ndarray) -> None:
    largest, scaled, total = *np.full((2, len(scores)), -np.inf, np.float32), np.zeros(len(scores))
    for block in (scores - 30, scores):
        add_bias(block, np.zeros(block.shape[1], np.float32), largest)
        surveyed(block, largest, scaled, total, 0.0, 0.0)
    both = np.concatenate([scores - 30, scores], 1).astype(np.float64)
    np.testing.assert_allclose(total, np.exp(both - both.max(1, keepdims=True)).sum(1), rtol=1e-5)


@pytest.mark.parametrize("name", ["_sigmoid", "_tanh"])
def test_gate_functions_are_those_of_float64(name: str) -> None:
    function, exact = getattr(kernels, name), {"_sigmoid": torch.sigmoid, "_tanh": torch.tanh}[name]
    points = np.linspace(-30, 30, 6001, dtype=np.float32)
    found = np.array([function(point) for point in points])
    np.testing.assert_allclose(found, exact(torch.from_numpy(points).double()).numpy(), atol=3e-7)


@given(SCORES, st.integers(0, 7), st.integers(0, 40))
def test_the_best_of_two_blocks_are_kept_in_order(scores: np.ndarray, k: int, cut: int) -> None:
    scores = np.repeat(scores, 5, axis=1).round()  # longer than a stretch, with equals
    k, cut = min(k, scores.shape[1]), min(cut, scores.shape[1])
    best, columns = np.full((len(scores), k), -np.inf, np.float32), np.zeros((len(scores), k), np.int64)
    for first, block in ((0, scores[:, :cut]), (cut, scores[:, cut:])):
        keep_best(np.ascontiguousarray(block), first, best, columns)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert (columns == order).all()
    assert (best == np.take_along_axis(scores, order, 1)).all()
