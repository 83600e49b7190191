from models.run_verdict import judge_runs
from models.study import Estimate
from models.study_advice import advice_of
from tests.models.simulated_runs import simulated
from tests.models.test_evidence_of_arms import arm

VERDICT = judge_runs([simulated()])
DIP = Estimate(value=-0.03, low=-0.04, high=-0.02)
BASE = arm("base", kind="base", validation_dip=DIP, best_validation_hr=0.31, best_at_epoch_ends_hr=0.305)


def test_it_names_what_removed_the_dip_and_at_what_cost():
    cheap = arm("ema-0.999", removes_problem="yes", difference=Estimate(value=0.01, low=0.005, high=0.015))
    dear = arm("lr-x0.33", removes_problem="yes", difference=Estimate(value=-0.02, low=-0.03, high=-0.01))
    still = arm("layer-norm", picture="no", removes_problem="no")
    said = advice_of(VERDICT, BASE, [dear, cheap, still])
    assert said.startswith(VERDICT.advice)
    assert "dips between epochs by -3.00 points, 95 % interval -4.00 to -2.00" in said
    assert said.index("ema-0.999 (best hit ratio +1.00") < said.index("lr-x0.33 (best hit ratio -2.00")
    assert "With it still: layer-norm." in said
    assert "surely above the base's: ema-0.999" in said
    assert "stays with layer-norm" in said
    assert "0.3050 instead of 0.3100" in said


def test_it_says_when_there_is_nothing_to_remedy():
    quiet = BASE.model_copy(update={"validation_dip": Estimate(value=0.0, low=-0.01, high=0.01)})
    assert "nothing to remedy" in advice_of(VERDICT, quiet, [])


def test_it_says_which_arms_did_not_come_as_far():
    slow, broken = arm("adagrad", at_matched_progress=()), arm("lr-x3.33", status="diverged")
    said = advice_of(VERDICT, BASE, [slow, broken])
    assert "nothing is said of: adagrad." in said
    assert "Diverged: lr-x3.33." in said
    assert "No arm is known to be without it." in said
    assert "No arm's best" not in said


def test_many_remedies_are_cut_short():
    many = [arm(f"arm-{n}", removes_problem="yes") for n in range(6)]
    assert "and 2 more." in advice_of(VERDICT, BASE, many)
