from dataclasses import replace

import pytest

from models.matched_progress import ProgressRange, matched_curves, matched_epochs, progress_range, slope_within
from tests.models.simulated_runs import of_order, simulated


def with_probe(run, of):
    """Say the probe's loss by epoch completed."""
    points = [
        replace(point, value=of(point.epoch)) if point.estimator == "train_probe" else point for point in run.points
    ]
    return replace(run, points=points)


def test_the_range_is_that_of_the_later_epochs_and_half_an_epoch_more():
    run = with_probe(simulated(), lambda epoch: 6 - epoch)
    found = progress_range([run])  # means of epochs 2 to 6: 4.375 to 0.375
    assert (found.low, found.high) == (pytest.approx(-0.125), pytest.approx(4.875))
    assert progress_range([replace(run, points=[point for point in run.points if point.epoch <= 1])]) is None


def test_epochs_are_matched_by_their_probe_never_the_first():
    run = with_probe(simulated(), lambda epoch: 6 - epoch)
    assert matched_epochs(run, ProgressRange(2.0, 3.5)) == {2, 3}
    assert matched_epochs(run, ProgressRange(0.0, 9.0)) == {1, 2, 3, 4, 5}
    assert matched_epochs(run, ProgressRange(7.0, 9.0)) == set()


def test_curves_and_slopes_are_of_matched_epochs_only():
    run = with_probe(simulated(), lambda epoch: 6 - epoch)
    found = matched_curves([run, with_probe(run, lambda _: 99)], ProgressRange(2.0, 3.5))
    assert [len(one.value_N) for one in found.curves["train_loss"]] == [8]
    assert set(found.curves["train_loss"][0].epoch_index) == {2, 3}
    value, low, high = slope_within([run], ProgressRange(2.0, 3.5))
    assert low < value < high
    assert slope_within([run], ProgressRange(7.0, 9.0)) is None
    assert slope_within([run], ProgressRange(2.6, 3.5))[1:] == (None, None)  # one epoch has no spread


def test_a_reshuffle_rises_inside_epochs_and_a_fixed_order_falls():
    within = progress_range([simulated()])
    assert slope_within([simulated()], within)[0] > 0.05
    assert slope_within([of_order("fixed")], within)[2] < 0


def test_three_seeds_are_their_own_replicates():
    runs = [simulated(seed=seed) for seed in range(3)]
    within = progress_range(runs)
    means = [slope_within([run], within)[0] for run in runs]
    value, low, high = slope_within(runs, within)
    assert value == pytest.approx(sum(means) / 3)
    assert high - value == pytest.approx(4.3027 * (sum((m - value) ** 2 for m in means) / 2 / 3) ** 0.5, rel=1e-3)
    assert value - low == pytest.approx(high - value)
