from dataclasses import replace

import numpy as np
import pytest

from models.curve_set import measure
from models.dips import Paired, dip_in_words, dips, is_blind, loss_dip_in_words, loss_steps
from models.paired import PairedDifference
from models.run_curves import curve_set
from models.validation_dip import moves_are_chance, paired_dips, validation_dip, validation_loss_dip
from tests.models.simulated_runs import VALIDATION, of_order, simulated


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
            np.random.default_rng(0).random((24, 40)) < 0.3, 1.0, 100.0), user_W=few.watched.user_W[:40],
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


def test_the_loss_is_compared_over_the_same_boundaries():
    dip = validation_loss_dip([simulated(dip=0.05)])
    points = {(round(point.epoch, 3), point.phase): point.value for point in simulated(dip=0.05).points
              if (point.estimator, point.metric) == ("validation", "loss")}  # fmt: skip
    by_hand = np.mean([points[epoch + 0.25, 1] - points[float(epoch), 4] for epoch in range(1, 6)])
    assert dip.difference == pytest.approx(by_hand, rel=1e-4)
    assert dip.low < dip.difference < dip.high
    assert "nats (95 % interval" in loss_dip_in_words(dip)


def test_windows_without_a_known_target_have_no_loss():
    run = simulated(dip=0.05)
    half = replace(run, watched=replace(run.watched, rank_KW=np.where(np.arange(VALIDATION) < 750, run.watched.rank_KW,
                                                                      np.inf)))  # fmt: skip
    dip = validation_loss_dip([half])
    assert (dip.n_windows, dip.n_users) == (750, 250)
    assert validation_dip([half]).n_windows == VALIDATION


def test_a_loss_that_is_not_finite_is_not_compared():
    run = simulated()
    run.watched.loss_KW[4, 7] = np.nan
    assert validation_loss_dip([run]) is None


@pytest.mark.parametrize(("dip", "steps"), [(0.0, False), (0.02, False), (0.06, True)])
def test_a_loss_steps_from_a_twentieth_nat_on(dip, steps):
    assert loss_steps(validation_loss_dip([simulated(dip=dip)])) == steps
    assert not loss_steps(None)


def test_the_loss_alone_is_told_only_where_the_hit_ratio_is_still_and_the_loss_jumps_beyond_its_trend():
    both, calm, rising = simulated(dip=0.06), simulated(), simulated(swing=lambda epoch: 0.6 * epoch)
    loss_only = replace(both, watched=replace(both.watched, rank_KW=calm.watched.rank_KW))
    alone = {name: paired_dips([run], measure(curve_set([run]))).is_loss_alone
             for name, run in (("both", both), ("calm", calm), ("loss", loss_only), ("rising", rising))}  # fmt: skip
    assert alone == {"both": False, "calm": False, "loss": True, "rising": False}
    assert loss_steps(validation_loss_dip([rising]))  # it rises over the boundary, as it does everywhere


def test_a_trend_that_may_hide_a_dip_is_not_called_harmless_where_the_loss_steps():
    step, calm = PairedDifference(0.08, 0.06, 0.1, 1_000, 500, 1), PairedDifference(0.0, -0.005, 0.005, 1_000, 500, 1)
    assert Paired(calm, step, is_masked=True).is_issue == "cannot_tell"
    assert Paired(calm, step).is_issue == Paired(calm, calm, is_masked=True).is_issue == "no"
    dip = PairedDifference(-0.02, -0.03, -0.01, 1_000, 500, 1)
    assert Paired(dip, step, is_masked=True).is_issue == "yes"
    assert Paired(None, step, is_masked=True).is_issue is None


@pytest.mark.parametrize(
    ("loss", "ratio", "is_masked"),
    [((0.03, 0.1), (-0.02, 0.01), True), ((0.03, 0.1), (-0.008, 0.01), False), ((-0.1, 0.04), (-0.02, 0.01), False)],
    ids=["neither excluded", "no dip of a point", "no loss to speak of"],
)
def test_a_dip_is_hidden_only_where_no_curve_excludes_it_without_its_trend(loss, ratio, is_masked):
    run = simulated()
    measured = measure(curve_set([run]))
    bounds = {"validation_loss": loss, "validation_hr": ratio}
    told = {role: replace(one, low=bounds[role][0], high=bounds[role][1]) if role in bounds else one
            for role, one in measured.sawtooth.items()}  # fmt: skip
    assert paired_dips([run], replace(measured, sawtooth=told)).is_masked == is_masked


def test_chance_is_told_from_moves():
    quiet, few = of_order("replacement"), of_order("replacement")
    assert moves_are_chance([quiet])
    assert not is_blind(validation_dip([quiet]))
    few.watched.rank_KW[8::2] = 100.0
    assert not moves_are_chance([few])
    assert not moves_are_chance([replace(quiet, watched=None)])
    assert not is_blind(None)
