from dataclasses import replace

import numpy as np
import pytest

from models.curves import MOST_WATCHED
from models.evidence_of_watched import evidence_of_watched
from tests.models.simulated_runs import VALIDATION, simulated


def with_validation(run, change, metric="loss"):
    points = [change(point) if (point.estimator, point.metric) == ("validation", metric) else point
              for point in run.points]  # fmt: skip
    return replace(run, points=points)


def of_many(run):
    """Watch as many windows as are ever watched, each of them several times."""
    watched, chosen = run.watched, np.arange(MOST_WATCHED) % VALIDATION
    many = replace(watched, loss_KW=watched.loss_KW[:, chosen], rank_KW=watched.rank_KW[:, chosen], user_W=chosen)
    return replace(run, watched=many)


def test_values_that_are_the_mean_of_their_windows_speak_against_a_metric():
    (piece,) = evidence_of_watched([simulated()])
    assert (piece.proves, piece.ratios) == (None, {"H4": 0.7})
    assert "at all 48 values" in piece.statement


def test_other_windows_than_the_split_are_proof():
    parts = with_validation(simulated(), lambda point: replace(point, count=point.count // 4, sum=point.sum / 4))
    (piece,) = evidence_of_watched([parts])
    assert piece.proves == "H4"
    assert "24 of 48" in piece.statement
    assert "loss at step 25: 375 against 1,500" in piece.statement


@pytest.mark.parametrize(
    ("metric", "off", "proves"), [("loss", 1e-4, None), ("loss", 0.01, "H4"), ("hr@10", 0.01, "H4")]
)
def test_values_that_are_not_their_mean_are_proof(metric, off, proves):
    shifted = with_validation(simulated(), lambda point: replace(point, value=point.value * (1 + off)), metric)
    assert [piece.proves for piece in evidence_of_watched([shifted])] == [proves]


def test_where_more_is_evaluated_than_watched_nothing_is_said():
    run = of_many(simulated())
    assert evidence_of_watched([run]) == []  # the counts differ, and the split may be larger
    same = run
    for metric in ("loss", "hr@10"):
        same = with_validation(same, lambda point: replace(point, count=MOST_WATCHED, value=point.value + 0.5), metric)
    assert [piece.proves for piece in evidence_of_watched([same])] == ["H4"]


def test_a_loss_counts_known_targets_and_a_hit_ratio_all():
    run = simulated()
    run.watched.rank_KW[:, 1_000:] = np.inf
    known = with_validation(run, lambda point: replace(
        point, count=1_000, value=float(run.watched.loss_KW[point.step // 25 - 1, :1_000].mean())))  # fmt: skip
    known = with_validation(known, lambda point: replace(
        point, value=float((run.watched.rank_KW[point.step // 25 - 1] <= 10).mean())), "hr@10")  # fmt: skip
    assert [piece.proves for piece in evidence_of_watched([known])] == [None]
    assert [piece.proves for piece in evidence_of_watched([run])] == ["H4"]


def test_without_watched_windows_nothing_is_said():
    assert evidence_of_watched([replace(simulated(), watched=None)]) == []
