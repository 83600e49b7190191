import re

from models.run_verdict import judge_runs
from models.study import Estimate
from models.study_advice import advice_of
from tests.models.simulated_runs import simulated
from tests.models.test_evidence_of_arms import arm, row

VERDICT = judge_runs([simulated()])
BEST = {"best_validation_hr": 0.31, "best_at_epoch_ends_hr": 0.305}


def estimate(low, high):
    return Estimate(value=(low + high) / 2, low=low, high=high)


def loss_rows(excess, half=0.02):
    return (row(excess, half).model_copy(update={"curve": "validation_loss"}),)


def hr_row(excess, half):
    return row(excess, half).model_copy(update={"curve": "validation_hr"})


DIPPING = arm("base", kind="base", validation_dip=estimate(-0.04, -0.02), **BEST)
QUIET = DIPPING.model_copy(update={"validation_dip": estimate(-0.005, 0.003)})
STEPPING = QUIET.model_copy(update={"validation_loss_dip": estimate(0.06, 0.1), "at_matched_progress": loss_rows(0.08),
                                    "sawtooth": (*loss_rows(0.08), hr_row(0.0, 0.005))})  # fmt: skip


def test_it_names_what_removed_the_dip_and_at_what_cost():
    cheap = arm("ema-0.999", removes_problem="yes", difference=estimate(0.005, 0.015))
    dear = arm("lr-x0.33", removes_problem="yes", difference=estimate(-0.03, -0.01))
    still = arm("layer-norm", picture="no", removes_problem="no")
    said = advice_of(VERDICT, DIPPING, [dear, cheap, still])
    assert said.startswith("Leave the shuffle as it is")
    assert "dips between epochs by -3.00 points, 95 % interval -4.00 to -2.00" in said
    assert said.index("ema-0.999 (best hit ratio +1.00") < said.index("lr-x0.33 (best hit ratio -2.00")
    assert "The dip stays with layer-norm." in said
    assert "surely better than the base's are those of ema-0.999" in said
    assert "(hit ratio 0.3100, at ends alone 0.3050)" in said
    assert "nothing to remedy" not in said


def test_without_a_dip_nothing_is_to_be_remedied():
    said = advice_of(VERDICT, QUIET, [arm("fixed-order", 0.0, "yes", difference=estimate(-0.02, 0.0)),
                                      arm("clip-norm-1", picture="no")])  # fmt: skip
    assert "does not dip between epochs" in said
    assert "nothing to remedy" in said
    assert "The picture goes at the same progress with fixed-order (best hit ratio -1.00 points)." in said
    assert "The picture stays with clip-norm-1." in said
    assert "ends of epochs" not in said
    assert "the dip" not in said


def test_a_loss_that_steps_alone_is_said_and_what_removed_it():
    without = arm("fixed-order", at_matched_progress=loss_rows(0.01))
    with_it = arm("layer-norm", at_matched_progress=loss_rows(0.07))
    unsure = arm("ema-0.999", at_matched_progress=loss_rows(0.03, 0.1))
    said = advice_of(VERDICT, STEPPING, [without, with_it, unsure])
    assert "The validation loss steps by +0.08 nats between epochs, the hit ratio by less than can be seen" in said
    assert "in early stopping too" in said
    assert "Without the step of the loss: fixed-order." in said
    assert "nothing to remedy" not in said


def test_a_loss_that_rises_everywhere_does_not_step():
    rising = STEPPING.model_copy(update={"sawtooth": loss_rows(0.0)})  # without the trend there is no step
    assert "steps" not in advice_of(VERDICT, rising, [])
    assert "nothing to remedy" in advice_of(VERDICT, rising, [])


def test_a_dip_that_a_trend_may_hide_is_not_denied():
    hidden = STEPPING.model_copy(update={"sawtooth": (*loss_rows(0.08, 0.1), hr_row(-0.01, 0.01))})
    said = advice_of(VERDICT, hidden, [])
    assert "by no more than chance" in said
    assert "more windows or seeds would tell" in said
    assert "nothing to remedy" not in said


def test_a_dip_that_cannot_be_told_is_not_denied():
    unsure = DIPPING.model_copy(update={"validation_dip": estimate(-0.03, 0.01)})
    said = advice_of(VERDICT, unsure, [])
    assert "by no more than chance" in said
    assert "nothing to remedy" not in said


def test_it_says_which_arms_did_not_come_as_far():
    slow, broken = arm("adagrad", at_matched_progress=()), arm("lr-x3.33", status="diverged")
    said = advice_of(VERDICT, DIPPING, [slow, broken])
    assert "not theirs: adagrad; diverged: lr-x3.33." in said
    assert "No arm is known to be without the dip." in said
    assert "surely" not in said


def test_weights_at_ends_are_kept_where_nothing_is_lost():
    same = QUIET.model_copy(update={"best_at_epoch_ends_hr": 0.3095})
    assert "Keep the weights of the best end of an epoch" in advice_of(VERDICT, same, [])
    assert "Keep the weights of the best evaluation" in advice_of(VERDICT, QUIET, [])


def test_many_remedies_are_cut_short_and_there_are_five_sentences_at_most():
    many = [arm(f"arm-{n}", removes_problem="yes", difference=estimate(0.005, 0.015)) for n in range(6)]
    still = [arm(f"still-{n}", removes_problem="no", picture="no") for n in range(6)]
    said = advice_of(VERDICT, DIPPING, [*many, *still])
    assert "and 2 more." in said
    assert len(re.findall(r"\.(?:\s|$)", said)) == 5
