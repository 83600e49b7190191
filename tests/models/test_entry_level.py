from dataclasses import replace

import pytest

from models.config import Model
from models.curves import CurvePoint
from models.entry_level import entry_share
from tests.models.simulated_runs import of_order, simulated, with_running


def with_config(run, **changes):
    return replace(run, config=run.config.model_copy(update=changes))


def by_hand(jump, level, epochs=4):
    """Draw a running loss that rises by 0.4 an epoch and jumps by `jump`, and a probe at `level` of the jump's foot."""
    run = simulated()
    points = []
    for epoch in range(epochs):
        for phase in range(1, 5):
            running = 5 + 0.4 * (phase - 0.5) / 4 - epoch * (jump - 0.4)
            probe = 5.4 - epoch * (jump - 0.4) - level * jump
            for estimator, value in (("train_running", running), ("train_probe", probe)):
                at = 100 * epoch + 25 * phase, epoch + phase / 4, phase
                points.append(CurvePoint(*at, estimator, "loss", value, value, 1, None, None))
    return replace(run, points=points)


@pytest.mark.parametrize("level", [1.0, 0.5, 2.0])
def test_it_is_the_share_of_the_jump_that_the_probe_predicts(level):
    found = entry_share([by_hand(0.8, level)])
    assert found.share == pytest.approx(level)
    assert (found.low, found.high) == (pytest.approx(level), pytest.approx(level))
    assert found.n_boundaries == 2  # of three the first is left out


def test_two_boundaries_are_both_taken_and_one_has_no_interval():
    assert entry_share([by_hand(0.8, 1.0, epochs=3)]).n_boundaries == 2
    one = entry_share([by_hand(0.8, 1.0, epochs=2)])
    assert (one.n_boundaries, one.low, one.high) == (1, None, None)


def test_a_new_shuffle_enters_where_the_probe_is():
    found = entry_share([simulated()])
    assert 0.7 < found.low < 1 < found.high < 1.4
    assert found.n_boundaries == 4


def test_three_seeds_are_the_replicates():
    runs = [simulated(seed=seed) for seed in range(3)]
    pooled, alone = entry_share(runs), [entry_share([run]).share for run in runs]
    assert min(alone) < pooled.share < max(alone)
    assert pooled.n_boundaries == 12
    # Three seeds that agree have no spread, however much their epochs differ.
    assert entry_share([runs[0]] * 3).high - entry_share([runs[0]] * 3).low < 1e-9


@pytest.mark.parametrize(
    "changes", [{"order": "fixed"}, {"ema_decay": 0.999}, {"model": Model(dropout=0.1)}, {"loss": "probabilities"}]
)
def test_what_has_another_distance_from_the_probe_is_not_compared(changes):
    assert entry_share([with_config(simulated(), **changes)]) is None


def test_without_a_jump_there_is_no_share():
    flat = with_running(simulated(), lambda point: replace(point, value=4 + 0.01 * (point.step % 3)))
    assert entry_share([flat]) is None
    assert entry_share([of_order("replacement")]) is None
    assert entry_share([replace(simulated(), points=[])]) is None
