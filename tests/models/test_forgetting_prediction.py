import math

import numpy as np
import pytest

from models.curves import ForgettingRecord
from models.errors import ModelError
from models.forgetting_curve import forgetting_table
from models.forgetting_prediction import explained, middles, predict_epoch

N_WINDOWS, PHASES, LAST = 12_000, 4, 3
EDGES = np.arange(0, 4.01, 1 / 8)
MIDDLES = LAST - 1 + (np.arange(PHASES) + 0.5) / PHASES


def remembered(age):
    return 4.6 + 0.7 * (1 - np.exp(-age / 0.6))


def flat(age):
    return 5 + 0 * age


def simulated(order, memory, *, slope=0.0, by_place=0.0, noise=0.1, epoch=LAST):
    """Rows of the last of three epochs: a loss of memory by age, weights that improve, data harder by place."""
    rng = np.random.default_rng(5)
    last, fixed = np.full(N_WINDOWS, np.nan), rng.permutation(N_WINDOWS)
    for turn in range(epoch):
        visits = {"reshuffle": rng.permutation(N_WINDOWS), "fixed": fixed, "reversed": fixed[:: 1 - 2 * (turn % 2)]}
        place = np.arange(N_WINDOWS) / N_WINDOWS
        age = turn + place - last[visits[order]]
        last[visits[order]] = turn + place
    loss = np.where(np.isnan(age), 6.0, memory(age)) + slope * (epoch - 1 + place) + by_place * place
    loss += noise * rng.standard_normal(N_WINDOWS)
    return rows_of(epoch, np.arange(N_WINDOWS) * PHASES // N_WINDOWS + 1, age, loss)


def rows_of(epoch, phase, age, loss):
    rows = []
    bins = np.where(np.isnan(age), -1, np.digitize(age + 1e-9, EDGES) - 1)
    for one in range(1, PHASES + 1):
        for age_bin in np.unique(bins[phase == one]):
            inside = (phase == one) & (bins == age_bin)
            low, high = (None, None) if age_bin < 0 else (EDGES[age_bin], EDGES[age_bin + 1])
            count = int(inside.sum())
            rows.append(ForgettingRecord(epoch, one, low, high, float(loss[inside].sum()), 0.0, count, 0, count))
    return rows


@pytest.mark.parametrize("order", [None, "reshuffle"])
@pytest.mark.parametrize("forgetting", ["pooled", "within_phases"])
def test_forgetting_explains_a_sawtooth_of_memory(order, forgetting):
    found = predict_epoch(simulated("reshuffle", remembered), order, forgetting=forgetting)
    assert found.share_explained == pytest.approx(1, abs=0.07)
    assert found.residual_rms < 0.01
    assert found.residual == pytest.approx(np.subtract(found.observed, found.predicted))
    assert found.observed[0] < found.observed[3] - 0.15
    assert found.mixing == pytest.approx(0.79, abs=0.03)


@pytest.mark.parametrize("forgetting", ["pooled", "within_phases"])
def test_with_improving_weights_the_probes_slope_is_needed(forgetting):
    rows = simulated("reshuffle", remembered, slope=-0.15)
    corrected = predict_epoch(rows, "reshuffle", trend=-0.15 * MIDDLES, forgetting=forgetting)
    assert corrected.trend_corrected
    assert corrected.share_explained == pytest.approx(1, abs=0.07)
    assert predict_epoch(rows, "reshuffle", forgetting=forgetting).share_explained > 1.3


def test_a_slope_alone_is_half_explained_unless_corrected():
    """The bias that the module's text warns of, in numbers."""
    rows = simulated("reshuffle", flat, slope=-0.15, noise=0.02)
    assert predict_epoch(rows, "reshuffle").share_explained == pytest.approx(0.5, abs=0.1)
    corrected = predict_epoch(rows, "reshuffle", trend=-0.15 * MIDDLES)
    assert corrected.residual_rms < 0.002


def test_harder_data_at_the_end_are_not_explained_within_phases():
    rows = simulated("reshuffle", flat, by_place=0.3, noise=0.02)
    assert predict_epoch(rows, "reshuffle").share_explained == pytest.approx(0.5, abs=0.1)
    assert predict_epoch(rows, "reshuffle", forgetting="within_phases").share_explained == pytest.approx(0, abs=0.1)


def test_a_fixed_order_predicts_no_sawtooth():
    found = predict_epoch(simulated("fixed", remembered, by_place=0.3), "fixed")
    assert np.ptp(found.predicted) < 1e-9
    assert found.share_explained == pytest.approx(0, abs=1e-9)


def test_a_reversed_order_cannot_be_told():
    found = predict_epoch(simulated("reversed", remembered), "reversed")
    assert found.mixing < 0.05
    assert found.share_explained is None


def test_uneven_phases_are_predicted_where_they_are():
    rows = simulated("reshuffle", remembered, noise=0.01)
    merged = [
        ForgettingRecord(r.epoch, min(r.phase, 2), r.age_low_epochs, r.age_high_epochs, r.loss_sum, 0.0, r.loss_count,
                         0, r.count)
        for r in rows
    ]  # fmt: skip
    found = predict_epoch(merged, "reshuffle", phase_ends=(0.25, 1.0))
    assert found.predicted == pytest.approx(found.observed, abs=0.01)
    even = predict_epoch(merged, "reshuffle")
    assert even.residual_rms > found.residual_rms


def test_first_visits_are_left_out():
    rows = simulated("reshuffle", remembered)
    first = ForgettingRecord(LAST, 1, None, None, 1e6, 0.0, 10, 0, 10)
    assert predict_epoch([*rows, first], "reshuffle") == predict_epoch(rows, "reshuffle")


def test_the_oldest_ages_have_no_end():
    rows = [ForgettingRecord(9, phase, 4.0, None, 10.0, 0.0, 2, 0, 2) for phase in (1, 2)]
    assert math.isinf(forgetting_table(rows).edges[-1])
    assert predict_epoch(rows).observed == (5.0, 5.0)


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([], {}, "epochs none"),
        ([ForgettingRecord(1, 1, None, None, 5.0, 0.0, 1, 0, 1)], {}, "second visits"),
        ([ForgettingRecord(2, 1, 0, 1, 5.0, 0.0, 1, 0, 1), ForgettingRecord(3, 1, 0, 1, 5.0, 0.0, 1, 0, 1)], {},
         r"epochs \[2, 3\]"),
        ([ForgettingRecord(2, 1, 0, 1, 5.0, 0.0, 1, 0, 1), ForgettingRecord(2, 2, 0.5, 1, 5.0, 0.0, 1, 0, 1)], {},
         "overlap"),
        ([ForgettingRecord(2, 1, 0, 1, 5.0, 0.0, 1, 0, 1)], {"trend": [1, 2]}, "each of the 1 phases"),
        ([ForgettingRecord(2, 1, 0, 1, 5.0, 0.0, 1, 0, 1)], {"order": "fixed", "phase_ends": [0.5, 1]}, "2 ends"),
        ([ForgettingRecord(2, 1, 0, 0.5, 5.0, 0.0, 1, 0, 1)], {"order": "fixed"}, "had no visit"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted_is_said(rows, options, said):
    with pytest.raises(ModelError, match=said):
        predict_epoch(rows, **options)


def test_epochs_are_pooled_with_an_interval():
    found = [predict_epoch(simulated("reshuffle", remembered, epoch=epoch), "reshuffle") for epoch in (2, 3, 4)]
    pooled = explained(found)
    assert pooled.low < pooled.share < pooled.high
    weights = [one.amplitude_rms**2 for one in found]
    assert pooled.share == pytest.approx(np.average([one.share_explained for one in found], weights=weights))
    assert pooled.high - pooled.low < 0.4
    assert explained(found[:1]).low is None
    with pytest.raises(ModelError, match="No epoch"):
        explained([])


def test_a_frozen_curve_is_read_in_the_middles():
    assert middles(4.0, [3.0, 2.5]).tolist() == [3.5, 2.75]
