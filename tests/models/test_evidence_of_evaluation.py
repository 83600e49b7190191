from dataclasses import replace

import pytest

from models.config import Model
from models.evidence_of_evaluation import evaluation_gap, evidence_of_evaluation
from tests.models.simulated_runs import of_order, simulated


def with_probe(run, by, spread=1.0):
    """Shift the probe's loss, and say how its losses spread over windows beside the running ones."""

    def change(point):
        if (point.estimator, point.metric) == ("train_probe", "loss"):
            half = spread * 0.1 * (1_000 / point.count) ** 0.5  # as wide as the running loss's, per window
            return replace(point, value=point.value + by, ci_high=point.value + by + half)
        return point

    return replace(run, points=[change(point) for point in run.points])


def with_dropout(run):
    return replace(run, config=run.config.model_copy(update={"model": Model(dropout=0.3)}))


def test_the_probe_meets_the_visits_after_it():
    gap = evaluation_gap([simulated()])
    assert gap.nats == pytest.approx(0, abs=0.05)
    assert gap.n_pairs == 5
    (piece,) = evidence_of_evaluation([simulated()])
    assert piece.ratios["H4"] < 1


def test_a_probe_above_the_visits_after_it_is_an_evaluation_gone_wrong():
    (piece,) = evidence_of_evaluation([with_probe(simulated(), 0.5)])
    assert piece.proves == "H4"


def test_a_running_loss_without_its_large_values_is_numerics():
    (piece,) = evidence_of_evaluation([with_probe(simulated(), 0.5, spread=2.0)])
    assert piece.proves == "H6"


def test_with_dropout_the_probe_must_be_better():
    (piece,) = evidence_of_evaluation([with_dropout(simulated())])
    assert piece.proves == "H4"
    assert [one.proves for one in evidence_of_evaluation([with_dropout(with_probe(simulated(), -0.4))])] == [None]


def test_with_replacement_every_phase_is_a_random_sample():
    run = of_order("replacement")
    gap = evaluation_gap([run])
    assert gap.nats == pytest.approx(0, abs=0.05)
    assert gap.n_pairs == 20
    assert [one.proves for one in evidence_of_evaluation([run])] == [None]
    assert [one.proves for one in evidence_of_evaluation([with_probe(run, 0.5)])] == ["H4"]
    assert [one.proves for one in evidence_of_evaluation([with_dropout(run)])] == ["H4"]
    assert [one.proves for one in evidence_of_evaluation([with_dropout(with_probe(run, -0.4))])] == [None]


def test_a_probe_of_few_windows_may_be_off_by_chance():
    run = with_probe(simulated(), 0.3)
    few = [replace(point, count=20, ci_high=point.value + 1.3) if point.estimator == "train_probe" else point
           for point in run.points]  # fmt: skip
    assert [one.proves for one in evidence_of_evaluation([run])] == ["H4"]
    assert evidence_of_evaluation([replace(run, points=few)]) == []


def test_only_a_random_sample_and_the_weights_themselves_can_be_compared():
    assert evidence_of_evaluation([of_order("fixed")]) == []
    averaged = simulated()
    averaged = replace(averaged, config=averaged.config.model_copy(update={"ema_decay": 0.999}))
    assert evidence_of_evaluation([averaged]) == []
    assert evidence_of_evaluation([replace(simulated(), forgetting=[])]) == []


def test_ages_that_were_not_met_leave_nothing_to_compare():
    run = simulated()
    oldest = [row for row in run.forgetting if row.age_low_epochs is None or row.age_low_epochs >= 0.5]
    assert evaluation_gap([replace(run, forgetting=oldest)]) is None
