from dataclasses import replace

import numpy as np
import pytest

from models.curve_set import measure
from models.evidence_of_validation import evidence_of_validation
from models.run_curves import curve_set
from models.run_record import Overlap
from tests.models.simulated_runs import of_order, simulated


def weighed(run):
    return evidence_of_validation([run], measure(curve_set([run])))


def test_a_dip_is_not_noise_and_quiet_is():
    of_dip = weighed(simulated(dip=0.03))[-1]
    assert of_dip.ratios["H8"] == 0.1
    assert weighed(of_order("replacement"))[-1].ratios["H8"] == 0.1  # resolved: there is nothing to explain


def few_windows(run, n=40):
    """Watch a few windows, each a hit by chance alone."""
    ranks = np.where(np.random.default_rng(0).random((24, n)) < 0.3, 1.0, 100.0)
    watched = run.watched
    return replace(run, watched=replace(watched, loss_KW=watched.loss_KW[:, :n], rank_KW=ranks, user_W=np.arange(n)))


@pytest.mark.parametrize("order", ["fixed", "replacement"])
def test_where_a_point_could_not_be_seen_and_nothing_saws_it_is_noise(order):
    found = [piece.ratios["H8"] for piece in weighed(few_windows(of_order(order))) if "H8" in piece.ratios]
    assert found == [10, 5]


def test_few_windows_are_not_noise_where_train_saws():
    assert all(piece.ratios.get("H8", 1) <= 1 for piece in weighed(few_windows(simulated())))


def test_moves_beyond_their_errors_are_not_noise():
    run = few_windows(of_order("fixed"))
    run.watched.rank_KW[9::2, :14] = 100.0  # every other evaluation, the same windows come and go
    run.watched.rank_KW[8::2, :14] = 1.0
    assert not [piece for piece in weighed(run) if piece.ratios.get("H8", 1) == 5]


@pytest.mark.parametrize(
    ("shared", "compared", "proves", "is_for"),
    [(400, 1000, "H7", True), (80, 1000, None, True), (1, 1000, None, False), (5, 10, None, None)],
)
def test_overlap_is_weighed_by_its_share(shared, compared, proves, is_for):
    found = [
        piece
        for piece in weighed(replace(simulated(), overlap=Overlap(shared, compared)))
        if "in train" in piece.statement
    ]
    assert [piece.proves for piece in found] == ([] if is_for is None else [proves])
    if found:
        assert (found[0].ratios["H7"] > 1) == is_for
