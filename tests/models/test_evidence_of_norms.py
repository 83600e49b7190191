from dataclasses import replace

import numpy as np
import pytest

from models.curves import NormRecord
from models.evidence_of_norms import evidence_of_norms, norm_curve
from tests.models.simulated_runs import simulated


def norms(quantity, of):
    return [NormRecord(step, step / 100, (step - 1) // 25 % 4 + 1, "gru", quantity, of(step / 100))
            for step in range(25, 601, 25)]  # fmt: skip


def statements(run, name):
    return {piece.statement: piece.ratios[name] for piece in evidence_of_norms([run]) if name in piece.ratios}


def test_a_calm_run_accuses_nobody():
    assert all(ratio <= 1 for piece in evidence_of_norms([simulated()]) for ratio in piece.ratios.values())


@pytest.mark.parametrize(("of", "is_high"), [(np.exp, True), (lambda epoch: 50 + epoch, False)])
def test_weights_that_grow_accuse_the_rate(of, is_high):
    found = statements(replace(simulated(), norms=norms("weight", of)), "H3")
    (ratio,) = [ratio for statement, ratio in found.items() if "norm of the weights" in statement]
    assert (ratio > 1) == is_high


def test_weights_worse_than_before_training_are_proof():
    found = evidence_of_norms([simulated(swing=lambda epoch: 0.4 * epoch)])
    assert "H3" in {piece.proves for piece in found}
    assert "H3" not in {piece.proves for piece in evidence_of_norms([simulated()])}


def test_a_probe_that_goes_up_and_down_accuses_the_rate():
    rng = np.random.default_rng(0)
    found = statements(simulated(swing=lambda _: float(rng.standard_normal())), "H3")
    assert max(found.values()) == 5


def test_norms_of_groups_are_joined_and_the_last_of_a_phase_counts():
    records = [NormRecord(*at, group, "update", value) for at, group, value in (
        ((10, 0.1, 1), "gru", 9.0), ((25, 0.25, 1), "gru", 3.0), ((25, 0.25, 1), "output", 4.0),
        ((50, 0.5, 2), "gru", 6.0), ((50, 0.5, 2), "output", 8.0),
    )]  # fmt: skip
    assert norm_curve(replace(simulated(), norms=records), "update").value_N.tolist() == [5.0, 10.0]
    assert evidence_of_norms([replace(simulated(), norms=[], points=[], steps=[])]) == []
