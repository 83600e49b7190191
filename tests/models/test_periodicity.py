import numpy as np
import pytest

from models.errors import ModelError
from models.periodicity import period_of_curves, period_of_epochs

RNG = np.random.default_rng(0)


def saw(per_epoch, n_epochs, noise=0.03):
    epochs = np.arange(1, per_epoch * n_epochs + 1) / per_epoch
    jumps = 0.3 * (np.ceil(epochs - 1e-9) - epochs)
    return 5 + 3 * np.exp(-epochs) + jumps + noise * RNG.standard_normal(len(epochs))


def found(values, spacing=50):
    return period_of_curves([(spacing * np.arange(1, len(values) + 1), values)])


@pytest.mark.parametrize(("per_epoch", "n_epochs"), [(2, 8), (3, 6), (4, 6), (5, 8), (8, 6), (10, 5), (20, 5)])
def test_the_period_of_a_sawtooth_is_found_not_its_multiple(per_epoch, n_epochs):
    hits = [found(saw(per_epoch, n_epochs)) for _ in range(8)]
    assert sum(one.evaluations_per_epoch == per_epoch for one in hits) >= 7
    assert hits[0].known_from == "curve"
    assert hits[0].p_value < 0.01


@pytest.mark.parametrize("kind", ["white", "walk", "red", "smooth"])
def test_no_period_is_found_where_there_is_none(kind):
    def draw():
        noise = RNG.standard_normal(100)
        red = noise.copy()
        for place in range(1, 100):
            red[place] += 0.6 * red[place - 1]
        smooth = np.exp(-np.arange(100) / 20)
        return {"white": noise, "walk": np.cumsum(noise), "red": red, "smooth": smooth}[kind]

    answers = [found(draw()) for _ in range(40)]
    assert sum(one.evaluations_per_epoch is not None for one in answers) <= 1
    assert answers[0].known_from == "nothing"
    assert "no period found" in answers[0].sentence


def test_a_missing_point_shifts_nothing():
    values = saw(4, 8)
    steps = 50 * np.arange(1, 33)
    keep = np.ones(32, dtype=bool)
    keep[[5, 6, 17]] = False
    values[20] = np.nan
    assert period_of_curves([(steps[keep], values[keep])]).evaluations_per_epoch == 4


def test_the_clearest_curve_decides():
    noise = RNG.standard_normal(40)
    steps = np.arange(40)
    assert period_of_curves([(steps, noise), (steps, saw(4, 10))]).evaluations_per_epoch == 4


def test_too_short_a_curve_is_said():
    assert "too few evaluations" in found([1.0, 2.0, 1.0]).sentence
    assert "too few evaluations" in period_of_curves([]).sentence


def test_steps_and_values_must_match():
    with pytest.raises(ModelError, match="2 steps and 1 values"):
        period_of_curves([([1, 2], [1.0])])


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [([0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0], 4), ([0, 0, 0, 1, 1, 1, 2], 3), ([1, 2, 3, 4], 1)],
)
def test_an_epoch_column_is_counted(epochs, expected):
    period = period_of_epochs(epochs)
    assert (period.evaluations_per_epoch, period.known_from, period.p_value) == (expected, "epochs", None)


def test_an_empty_epoch_column_says_nothing():
    assert period_of_epochs([np.nan]).known_from == "nothing"
