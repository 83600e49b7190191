"""Runs of known causes: who leads, whether it is an issue; each fault is put in by itself."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from models.dips import Paired
from models.errors import ModelError
from models.hypotheses import Evidence
from models.overlap import overlap
from models.paired import PairedDifference
from models.run_record import record_of
from models.run_verdict import judge_runs
from models.training import train
from tests.models.simulated_runs import of_order, simulated, with_running


@cache
def healthy(seed: int = 0):
    return simulated(seed=seed)


def cumulative(run):
    """Accumulators that nobody sets to 0."""
    total = {"sum": 0.0, "count": 0}

    def add(point):
        total["sum"] += point.sum
        total["count"] += point.count
        return replace(point, value=total["sum"] / total["count"], sum=total["sum"], count=total["count"])

    return with_running(run, add)


@pytest.mark.parametrize("seed", range(4))
def test_a_healthy_reshuffle_is_memory_and_no_issue(seed):
    found = judge_runs([healthy(seed)])
    assert (found.leading, found.is_issue) == ("H1", "no")
    assert found.hypotheses[0].support > 0.9
    assert "the ages of the windows" in str([piece.statement for piece in found.hypotheses[0].evidence])
    assert "Window by window" in found.validation_side


@pytest.mark.parametrize("order", ["replacement", "continuous", "fixed"])
@pytest.mark.parametrize("seed", range(3))
def test_orders_without_a_sawtooth_have_no_cause_and_no_issue(order, seed):
    found = judge_runs([of_order(order, seed=seed)])
    assert (found.leading, found.is_issue) == (None, "no")


def test_a_fixed_order_that_steps_down_between_epochs_is_no_sawtooth():
    visited = of_order("fixed", swing=lambda epoch: -0.15 * np.floor(epoch - 1e-9))
    found = judge_runs([visited])
    assert next(row for row in found.sawtooth if row.curve == "train_loss").direction == "down"
    assert (found.leading, found.is_issue, found.not_separated) == (None, "no", ())
    assert "not a sawtooth" in found.train_side


def test_a_dip_of_validation_is_an_issue_of_the_same_cause():
    found = judge_runs([simulated(dip=0.03)])
    assert (found.leading, found.is_issue) == ("H1", "yes")
    assert "ends of epochs" in found.advice


@pytest.mark.parametrize(
    ("run", "guilty"),
    [
        (lambda: cumulative(healthy()), "H4"),
        (lambda: with_running(healthy(), lambda p: replace(p, value=p.value + 0.2 * (p.phase == 4))), "H4"),
        (lambda: simulated(order=lambda n, _s, _e: np.arange(n), harder=1.0), "H5"),
        (lambda: simulated(order=lambda n, s, _e: np.random.default_rng(s).permutation(n)), "H5"),
        (lambda: replace(healthy(), overlap=replace(healthy().overlap, shared=700)), "H7"),
        (lambda: simulated(lr=lambda t: 3e-3 * (1.01 - t % 1), swing=lambda t: 0.4 * (1 - t % 1)), "H3"),
        (lambda: simulated(swing=lambda t: 0.4 * t**2), "H3"),
    ],
    ids=["never reset", "one phase off", "sorted", "same permutation", "overlap", "restarts", "runs away"],
)  # fmt: skip
def test_a_fault_leads_before_memory(run, guilty):
    found = judge_runs([run()])
    assert (found.leading, found.is_issue) == (guilty, "yes")


def test_without_instruments_it_says_what_to_run_next():
    bare = replace(healthy(), steps=[], norms=[], forgetting=[], quarters=[], watched=None, overlap=None)
    train_only = replace(bare, points=[point for point in bare.points if point.estimator == "train_running"])
    found = judge_runs([train_only])
    assert (found.leading, found.is_issue) == (None, "cannot_tell")
    assert "frozen weights" in found.next_experiment
    two_epochs = replace(healthy(), points=[point for point in healthy().points if point.epoch <= 1.5])
    assert judge_runs([two_epochs]).is_issue == "cannot_tell"


def test_what_instruments_have_measured_is_not_asked_for_again():
    bare = replace(healthy(), forgetting=[], points=[p for p in healthy().points if p.estimator == "train_running"])
    asked = judge_runs([bare]).next_experiment
    assert not asked.startswith(("Compare the parts", "Write down the sum", "Count the validation"))


def test_a_dip_that_a_trend_may_hide_leaves_the_issue_open(monkeypatch):
    calm, step = PairedDifference(0.0, -0.005, 0.005, 1_000, 500, 1), PairedDifference(0.08, 0.06, 0.1, 1_000, 500, 1)
    monkeypatch.setattr("models.run_verdict.paired_dips", lambda *_: Paired(calm, step, is_masked=True))
    found = judge_runs([healthy()])
    assert (found.leading, found.is_issue) == ("H1", "cannot_tell")
    assert "may hide a dip" in found.validation_side
    assert "more seeds" in found.next_experiment


def test_seeds_are_judged_together():
    found = judge_runs([healthy(seed) for seed in range(3)])
    row = next(row for row in found.sawtooth if row.curve == "train_loss")
    assert (row.over, row.boundaries) == ("seeds", 15)
    assert found.leading == "H1"
    assert "3 seeds" in found.validation_side


def test_evidence_from_elsewhere_is_weighed():
    against = [Evidence("an arm", {"H1": 0.1, "H2": 10}), Evidence("another", {"H1": 0.1, "H2": 10})]
    assert judge_runs([healthy()], against).leading != "H1"


def test_runs_without_a_curve_are_refused():
    with pytest.raises(ModelError, match="no curve to judge in these runs"):
        judge_runs([replace(healthy(), points=[])])
    with pytest.raises(ModelError, match="no curve"):
        judge_runs([])


def test_a_run_that_stopped_before_its_first_epoch_is_judged():
    short = replace(healthy(), points=healthy().points[:6], status="diverged")
    assert judge_runs([short]).is_issue in {"cannot_tell", "yes"}


def test_a_real_training_is_judged(data, tiny, compute):
    config = tiny(epochs=4, optimizer={"lr": 0.02})
    trained = train(data, config, compute, lambda _: None)
    run = record_of(trained, config, "real", np.arange(50) // 5, overlap(data.train, data.validation))
    found = judge_runs([run])
    assert {row.curve for row in found.sawtooth} >= {"train_loss", "probe_loss", "validation_loss", "lr", "grad_norm"}
    assert "the mean of its steps' losses at all 16 evaluations" in found.model_dump_json()
    assert "50 windows, 10 users" in found.validation_side
