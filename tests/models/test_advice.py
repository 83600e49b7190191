import pytest

from models.advice import advice_of_curves, cause_advice, loss_in_words
from models.curve_set import measure
from models.dips import NOT_PAIRED, Paired
from models.hypotheses import HYPOTHESES
from models.paired import PairedDifference
from tests.models.curve_cases import Case


def difference(low, high):
    return PairedDifference((low + high) / 2, low, high, 1_000, 500, 1)


NO_DIP, DIP, UNSURE = difference(-0.004, 0.002), difference(-0.03, -0.01), difference(-0.03, 0.01)
STEP, NO_STEP = difference(0.06, 0.1), difference(-0.01, 0.02)
CALM, DIPPING = measure(Case().of("memory")), measure(Case().of("memory_with_dip"))


def said(hit_ratio, loss, measured=DIPPING, first="H1"):
    return advice_of_curves(measured, first, "no", Paired(hit_ratio, loss, is_loss_jump=True))


def test_without_a_dip_there_is_nothing_to_remedy_and_no_remedy_is_named():
    text = said(NO_DIP, NO_STEP)
    assert "nothing to remedy" in text
    assert "learning rate" not in text
    assert "ends of epochs" not in text  # the curves alone would have said so


def test_a_dip_is_remedied():
    text = said(DIP, STEP)
    assert "lower or decay the learning rate, or average the weights" in text
    assert "nothing to remedy" not in text
    assert "learning rate" not in said(DIP, STEP, first="H5")


@pytest.mark.parametrize(("dip", "how"), [(NO_DIP, "by less than can be seen"), (UNSURE, "by no more than chance")])
def test_a_loss_that_steps_alone_is_said_plainly(dip, how):
    text = said(dip, STEP)
    assert f"The validation loss steps by +0.08 nats between epochs, the hit ratio {how}" in text
    assert "in early stopping too" in text
    assert "nothing to remedy" not in text


def test_a_loss_that_rises_everywhere_does_not_step():
    assert loss_in_words(Paired(NO_DIP, STEP, is_loss_jump=False)) == ""
    assert loss_in_words(Paired(DIP, STEP, is_loss_jump=True)) == ""
    assert loss_in_words(NOT_PAIRED) == ""


def test_curves_alone_say_where_validation_is_best():
    assert "at the ends of epochs" in advice_of_curves(DIPPING, "H1", "yes")
    assert "ends of epochs" not in advice_of_curves(CALM, "H1", "no")


def test_there_is_an_advice_for_each_cause_and_for_none():
    assert len({cause_advice(name, "yes") for name in HYPOTHESES}) == len(HYPOTHESES)
    assert "change nothing for it" in cause_advice(None, "no")
    assert "next experiment" in cause_advice(None, "cannot_tell")


def test_overfitting_says_which_weights_to_keep():
    assert "best validation epoch" in advice_of_curves(measure(Case().of("overfit")), None, "no")
