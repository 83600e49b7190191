from dataclasses import replace

import numpy as np
import pytest

from models.config import Optimizer, Training
from models.curves import NormRecord
from models.evidence_of_updates import evidence_of_updates
from tests.models.simulated_runs import simulated

BETA2 = 0.999


def norms(quantity, of, group="gru", steps=range(5, 601, 5)):
    return [NormRecord(step, step / 100, (step - 1) % 100 // 25 + 1, group, quantity, float(of(step)))
            for step in steps]  # fmt: skip


def recorded(*rows, optimizer=None):
    config = Training(batch_size=40, epochs=6, optimizer=optimizer or Optimizer(beta2=BETA2))
    return replace(simulated(), norms=[row for each in rows for row in each], config=config)


def since_restart(step, period=100):
    """Be the root of a second moment of gradients of norm 1 that is set to 0 every so many steps."""
    return np.sqrt(1 - BETA2 ** ((step - 1) % period + 1))


def test_moments_that_begin_anew_are_proof():
    (piece,) = evidence_of_updates([recorded(norms("root_second_moment", since_restart))])
    assert piece.proves == "H2"
    assert "5 of 6 epochs" in piece.statement


def test_moments_that_fall_as_their_decay_lets_them_are_not():
    fading = recorded(norms("root_second_moment", lambda step: BETA2 ** (step / 2)))
    assert [piece.proves for piece in evidence_of_updates([fading])] == [None]
    quick = recorded(norms("root_second_moment", since_restart), optimizer=Optimizer(beta2=0.5))
    assert [piece.proves for piece in evidence_of_updates([quick])] == [None]


def test_a_sum_of_squares_never_falls():
    shrinking = norms("root_second_moment", lambda step: 1 - 0.3 * (step % 100 < 50))
    adagrad = recorded(shrinking, optimizer=Optimizer(name="adagrad"))
    assert [piece.proves for piece in evidence_of_updates([adagrad])] == ["H2"]


def test_one_restart_is_no_period():
    once = recorded(norms("root_second_moment", lambda step: since_restart(step, 300)))
    assert [piece.proves for piece in evidence_of_updates([once])] == [None]


@pytest.mark.parametrize("quantity", ["update", "effective_step", "first_moment"])
@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_a_size_of_one_group_that_climbs_in_every_epoch_accuses_adam(quantity, factor):
    sizes = norms(quantity, lambda step: factor ** ((step - 1) % 100 / 75), "output")
    still = norms(quantity, lambda _: 100.0, "embedding")  # a larger group, which hides it in the sum
    gradients = [row for group in ("output", "embedding") for row in norms("gradient", lambda _: 1.0, group)]
    (piece,) = evidence_of_updates([recorded(sizes, still, gradients)])
    assert piece.ratios["H2"] == 6
    assert "of group output" in piece.statement


def test_a_size_that_follows_its_gradients_does_not():
    climbs = [norms(quantity, lambda step: 2 ** ((step - 1) % 100 / 75)) for quantity in ("update", "gradient")]
    assert [piece.ratios["H2"] for piece in evidence_of_updates([recorded(*climbs)])] == [2.5]


def test_a_size_that_climbs_on_over_the_ends_of_epochs_has_no_period():
    rows = norms("effective_step", lambda step: 2 ** (step / 100)), norms("gradient", lambda _: 1.0)
    assert all(piece.ratios["H2"] <= 1 for piece in evidence_of_updates([recorded(*rows)]))


@pytest.mark.parametrize(("part", "ratio"), [(0.3, 2.5), (0.0, 0.3)])
def test_updates_that_swing_with_the_epoch_accuse_adam(part, ratio):
    swinging = norms("update", lambda step: 1 + part * ((step - 1e-7) % 100) / 100, steps=range(25, 601, 25))
    assert [piece.ratios["H2"] for piece in evidence_of_updates([recorded(swinging)])] == [ratio]


def test_without_norms_nothing_is_said():
    assert evidence_of_updates([recorded()]) == []
