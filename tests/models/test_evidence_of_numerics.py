from dataclasses import replace

import numpy as np
import pytest

from models.evidence_of_numerics import evidence_of_numerics
from tests.models.simulated_runs import simulated


def watching(change):
    run = simulated()
    return replace(run, watched=replace(run.watched, loss_KW=change(run.watched.loss_KW).astype(np.float32)))


def stopped(norm, loss=float("inf"), n_steps=200):
    run = simulated()
    steps = [replace(step, grad_norm=norm(step.step)) for step in run.steps[:n_steps]]
    broken = replace(steps[-1], step=n_steps + 1, loss_nats=loss)
    return replace(run, status="diverged", steps=[*steps, broken])


def proofs(run):
    return {piece.proves for piece in evidence_of_numerics([run])} - {None}


def test_a_calm_run_accuses_nobody():
    (piece,) = evidence_of_numerics([simulated()])
    assert piece.ratios == {"H6": 0.6}


def test_losses_that_end_at_one_number_are_proof():
    run = watching(lambda loss: np.where(loss > 3.9, 16.118, loss))
    assert proofs(run) == {"H6"}
    assert "16.12 nats" in evidence_of_numerics([run])[0].statement
    # As many equal largest losses, but another number each time: duplicates of one window, not a cap.
    moving = watching(lambda loss: np.where(loss > 3.9, 5 + np.arange(len(loss))[:, None], loss))
    assert not proofs(moving)


def test_steps_without_a_gradient_accuse_numerics():
    run = simulated()
    steps = [replace(step, grad_norm=1e-6, loss_nats=16.0) if step.step % 10 == 0 else step for step in run.steps]
    found = evidence_of_numerics([replace(run, steps=steps)])
    assert max(piece.ratios["H6"] for piece in found) == 8
    assert any("60 of 600 steps" in piece.statement for piece in found)


@pytest.mark.parametrize(
    ("norm", "guilty"),
    [(lambda _: 1.0, "H6"), (lambda step: 1.0 if step < 190 else 1e4, "H3")],
    ids=["calm", "grown"],
)
def test_an_overflow_is_told_from_a_training_that_ran_away(norm, guilty):
    assert proofs(stopped(norm)) == {guilty}


def test_a_training_that_stops_at_once_proves_nothing():
    found = evidence_of_numerics([stopped(lambda _: 1.0, n_steps=4)])
    assert {piece.proves for piece in found} == {None}
    assert any("at once" in piece.statement for piece in found)


@pytest.mark.parametrize(("largest", "guilty"), [(20.0, {"H6"}), (5.0, set())])
def test_a_loss_from_probabilities_is_proof_where_windows_lie_beyond_its_cap(largest, guilty):
    rng = np.random.default_rng(0)
    run = watching(lambda loss: loss + (largest - 4) * (rng.random(loss.shape) < 0.01))
    run = replace(run, config=run.config.model_copy(update={"loss": "probabilities"}))
    assert proofs(run) == guilty
