import numpy as np
import pytest

from models.age_orders import age_shares
from models.errors import ModelError
from models.orders import reshuffle, reversed_each_epoch

EDGES = np.arange(0, 33) / 8


def simulated(order, n_epochs, start, end, n_windows=20_000):
    """Ages that an order really gives, as shares by bin."""
    last = np.full(n_windows, np.nan)
    ages = []
    for epoch in range(n_epochs):
        visits = order(n_windows, 3, epoch)
        at = epoch + np.arange(n_windows) / n_windows
        if order is _drawn:
            age = np.empty(n_windows)
            for place, window in enumerate(visits):
                age[place] = at[place] - last[window]
                last[window] = at[place]
        else:
            age = at - last[visits]
            last[visits] = at
        part = slice(int(start * n_windows), int(end * n_windows))
        ages = age[part]
    ages = ages[np.isfinite(ages)]
    return np.histogram(ages + 1e-9, EDGES)[0] / len(ages)


def _drawn(n_windows, seed, epoch):
    return np.random.default_rng([seed, epoch]).integers(n_windows, size=n_windows)


@pytest.mark.parametrize(("start", "end"), [(0, 0.25), (0.25, 0.5), (0.75, 1.0)])
@pytest.mark.parametrize(
    ("name", "order"), [("reshuffle", reshuffle), ("reversed", reversed_each_epoch), ("replacement", _drawn)]
)
def test_shares_are_those_of_the_real_order(name, order, start, end):
    expected = simulated(order, 3, start, end)
    assert age_shares(name, 3, start, end, EDGES) == pytest.approx(expected, abs=0.02)


def test_a_fixed_order_has_one_age():
    shares = age_shares("fixed", 2, 0, 1, EDGES)
    assert shares[8] == 1  # 1 to 1.125 epochs
    assert shares.sum() == 1


@pytest.mark.parametrize("order", ["reshuffle", "fixed", "reversed", "replacement"])
def test_all_ages_are_in_open_bins(order):
    assert age_shares(order, 2, 0.3, 0.4, np.array([0, 0.5, 1, np.inf])).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("order", "epoch", "start", "end"), [("reshuffle", 1, 0, 1), ("fixed", 2, 0.5, 0.5), ("fixed", 2, 0.5, 1.5)]
)
def test_no_ages_are_said(order, epoch, start, end):
    with pytest.raises(ModelError, match="No ages are known"):
        age_shares(order, epoch, start, end, EDGES)


def test_replacement_visits_again_in_the_first_epoch():
    assert age_shares("replacement", 1, 0, 0.5, EDGES)[4:].sum() == 0
