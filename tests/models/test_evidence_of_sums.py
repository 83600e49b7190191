from dataclasses import replace
from functools import cache

import pytest

from models.evidence_of_sums import evidence_of_sums
from tests.models.simulated_runs import simulated, with_running


@cache
def healthy():
    return simulated()


def told(run):
    return {piece.proves: piece for piece in evidence_of_sums([run])}


def test_sums_that_add_up_speak_against_a_metric():
    (piece,) = evidence_of_sums([healthy()])
    assert (piece.ratios, piece.proves) == ({"H4": 0.1}, None)
    assert "at all 24 evaluations" in piece.statement


def test_counts_that_grow_are_proof():
    run = with_running(healthy(), lambda point: replace(point, count=point.count * (1 + int(point.epoch))))
    run = with_running(run, lambda point: replace(point, sum=point.value * point.count))
    piece = told(run)["H4"]
    assert "counts other windows" in piece.statement
    assert "7,000 against 1,000 at step 600" in piece.statement


def test_a_value_that_is_not_its_sum_over_its_count_is_proof():
    points = [replace(point, value=point.value + 0.01) if point.metric == "hr@10" and point.step == 100 else point
              for point in healthy().points]  # fmt: skip
    piece = told(replace(healthy(), points=points))["H4"]
    assert "3 of 144 values" in piece.statement


def test_a_mean_of_batches_that_are_not_alike_is_found_by_the_steps():
    uneven = with_running(healthy(), lambda point: replace(point, value=point.value + 0.1 * (point.phase == 4)))
    uneven = with_running(uneven, lambda point: replace(point, sum=point.value * point.count))
    assert "is not the mean of its steps' losses" in told(uneven)["H4"].statement


@pytest.mark.parametrize(("off", "proves"), [(1e-5, None), (0.004, None), (0.1, "H4")])
def test_only_what_matters_beside_the_jump_is_proof(off, proves):
    shifted = with_running(healthy(), lambda point: replace(point, value=point.value * (1 + off * (point.phase == 2))))
    shifted = with_running(shifted, lambda point: replace(point, sum=point.value * point.count))
    assert set(told(shifted)) == {proves}


def test_without_steps_nothing_is_said_of_them():
    assert evidence_of_sums([replace(healthy(), steps=[])]) == []
