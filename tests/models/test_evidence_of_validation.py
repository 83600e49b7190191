from dataclasses import replace

import numpy as np
import pytest

from models.curve_set import measure
from models.evidence_of_validation import dip_in_words, dips, evidence_of_validation, validation_dip
from models.run_curves import curve_set
from models.run_record import Overlap
from tests.models.simulated_runs import VALIDATION, of_order, simulated


def weighed(run):
    return evidence_of_validation([run], measure(curve_set([run])))


def test_a_dip_is_found_window_by_window():
    dip = validation_dip([simulated(dip=0.03)])
    assert dip.low < -0.03 < dip.high < 0
    assert (dip.n_windows, dip.n_users, dip.n_seeds) == (VALIDATION, VALIDATION // 3, 1)
    assert dips(dip) == "yes"
    assert "500 users, 1 seed)" in dip_in_words(dip)


def test_seeds_narrow_it_and_are_counted():
    one, three = (validation_dip([simulated(dip=0.01, seed=seed) for seed in range(n)]) for n in (1, 3))
    assert three.n_seeds == 3
    assert three.difference == pytest.approx(one.difference, abs=0.01)


def test_no_dip_is_said_only_where_one_of_a_point_is_excluded():
    assert dips(validation_dip([simulated()])) == "no"
    few = simulated()
    few = replace(few, watched=replace(
        few.watched, loss_KW=few.watched.loss_KW[:, :40], rank_KW=np.where(
            np.random.default_rng(0).random((24, 40)) < 0.3, 1.0, np.inf), user_W=few.watched.user_W[:40],
    ))  # fmt: skip
    assert dips(validation_dip([few])) == "cannot_tell"
    assert dips(None) is None


def test_windows_of_other_seeds_must_be_the_same():
    first, second = simulated(seed=0), simulated(seed=1)
    other = replace(second, watched=replace(second.watched, user_W=second.watched.user_W[::-1].copy()))
    assert validation_dip([first, other]) is None
    assert validation_dip([replace(first, watched=None)]) is None


def test_one_evaluation_an_epoch_is_no_dip():
    run = simulated()
    ends = [point for point in run.points if point.phase == 4]
    assert validation_dip([replace(run, points=ends)]) is None


def test_a_dip_is_not_noise_and_quiet_is():
    of_dip = weighed(simulated(dip=0.03))[-1]
    assert of_dip.ratios["H8"] == 0.1
    assert weighed(of_order("replacement"))[-1].ratios["H8"] == 0.1  # resolved: there is nothing to explain


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
