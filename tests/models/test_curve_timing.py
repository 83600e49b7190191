import numpy as np
import pytest

from models.curve_timing import Series, timed
from models.errors import ModelError
from models.sawtooth import sawtooth
from tests.models.curve_cases import EPOCHS, LAG, MEMORY, PLACE, WEIGHTS

UNKNOWN = np.full(24, np.nan)
STEPS = np.ceil(EPOCHS * 157 - 1e-9)  # quarters of 39 and 40
VALUES = WEIGHTS + LAG + 3 * MEMORY


def series(steps=UNKNOWN, epochs=UNKNOWN, values=VALUES):
    return Series(np.asarray(steps, float), np.asarray(epochs, float), np.asarray(values, float))


def epochs_of(run, per_epoch=None, role="train_loss"):
    given, sentence = timed([run], per_epoch)
    return given.curves[role][0].epoch_N, sentence


def test_fractional_epochs_are_taken_as_they_are():
    found, sentence = epochs_of({"train_loss": series(STEPS, EPOCHS)})
    assert found == pytest.approx(EPOCHS)
    assert "4 evaluations an epoch, counted" in sentence


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_of_the_current_epoch_are_filled_by_step(first):
    number = np.ceil(EPOCHS - 1e-9) - 1 + first
    found, sentence = epochs_of({"train_loss": series(STEPS, number)})
    assert found == pytest.approx(EPOCHS, abs=0.01)
    assert "4 evaluations" in sentence


def test_numbers_of_the_epoch_without_steps_are_filled_by_rank():
    found, _ = epochs_of({"train_loss": series(epochs=np.ceil(EPOCHS - 1e-9))})
    assert found == pytest.approx(EPOCHS)


def test_a_last_epoch_cut_short_keeps_its_places():
    number = np.ceil(EPOCHS - 1e-9)
    run = {"train_loss": series(STEPS[:22], number[:22], VALUES[:22])}
    assert epochs_of(run)[0] == pytest.approx(EPOCHS[:22], abs=0.01)


def test_a_curve_logged_more_often_is_put_beside_by_step():
    often = np.arange(10, 943, 10.0)
    run = {
        "train_loss": series(often, np.full(len(often), np.nan), np.ones(len(often))),
        "validation_loss": series(STEPS),
    }
    given, sentence = timed([run], 4)
    assert sentence == "4 evaluations an epoch, as said"
    assert given.curves["validation_loss"][0].epoch_N == pytest.approx(EPOCHS)
    assert given.curves["train_loss"][0].epoch_N == pytest.approx(often / 157, abs=0.01)


def test_the_period_is_found_where_nothing_is_said():
    found, sentence = epochs_of({"train_loss": series(STEPS)})
    assert found == pytest.approx(EPOCHS)
    assert "stands out" in sentence


def test_steps_counted_from_zero_are_the_same():
    assert epochs_of({"train_loss": series(STEPS - 1)})[0] == pytest.approx(EPOCHS)


def test_an_evaluation_before_training_is_epoch_zero():
    steps = np.concatenate([[0], STEPS])
    run = {"train_loss": Series(steps, np.full(25, np.nan), np.concatenate([[9.0], VALUES]))}
    assert epochs_of(run, 4)[0] == pytest.approx(np.concatenate([[0], EPOCHS]))


def test_without_a_period_there_is_no_boundary():
    given, sentence = timed([{"train_loss": series(STEPS, values=WEIGHTS)}], None)
    assert "no period found" in sentence
    assert "--evaluations-per-epoch" in sentence
    with pytest.raises(ModelError):
        sawtooth(given.curves["train_loss"])


def test_what_is_said_goes_before_what_is_found():
    assert epochs_of({"train_loss": series(STEPS)}, 8)[0] == pytest.approx(EPOCHS / 2)


def test_values_that_are_not_finite_are_counted():
    values = VALUES.copy()
    values[[3, 7]] = np.nan, np.inf
    given, _ = timed([{"train_loss": series(STEPS, EPOCHS, values)}], None, validation_windows=7)
    assert given.non_finite["train_loss"] == 2
    assert len(given.curves["train_loss"][0].value_N) == 22
    assert given.validation_windows == 7


def test_runs_are_seeds():
    given, sentence = timed([{"train_loss": series(STEPS, EPOCHS)}] * 3, None)
    assert len(given.curves["train_loss"]) == 3
    assert sentence.count("4 evaluations") == 1


@pytest.mark.parametrize(("runs", "per_epoch", "said"), [([], None, "no curve"), ([{}], 4, "no curve"),
                                                         ([{"lr": series(STEPS)}], 1, "at least 2")])  # fmt: skip
def test_what_cannot_be_timed_is_said(runs, per_epoch, said):
    with pytest.raises(ModelError, match=said):
        timed(runs, per_epoch)


def test_places_are_those_of_the_cases():
    assert PLACE.max() == 1
