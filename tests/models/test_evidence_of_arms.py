import pytest

from models.evidence_of_arms import evidence_of_arms, experiments_done
from models.study import ArmOutcome, Estimate
from models.verdict import CurveSawtooth


def row(excess, half=0.05, over="seeds"):
    direction = "none" if abs(excess) < half else "down" if excess < 0 else "up"
    return CurveSawtooth(curve="train_loss", excess=excess, low=excess - half, high=excess + half, over=over,
                         direction=direction, share_of_variance=None, share_p_value=None, evaluations_per_epoch=4,
                         boundaries=5)  # fmt: skip


def arm(name, excess=-0.3, picture=None, kind="remedy", **changes):
    said = {"name": name, "kind": kind, "asks": "", "run_ids": (), "seeds": (0, 1, 2), "status": "finished",
            "sawtooth": (row(excess),), "at_matched_progress": (row(excess),), "slope_within": None, "explained": None,
            "validation_dip": None, "best_validation_hr": None, "best_validation_epoch": None,
            "best_at_epoch_ends_hr": None, "difference": None, "probe_loss": None, "removes_picture": picture,
            "removes_problem": None, "clipped_share": None}  # fmt: skip
    return ArmOutcome.model_validate(said | changes)


BASE = arm("base", kind="base")


def ratios(*arms):
    """Return the weights of what arms say, the base's seeds left out."""
    found = [piece for piece in evidence_of_arms(BASE, arms) if "seeds" not in piece.statement]
    return [dict(piece.ratios) for piece in found]


@pytest.mark.parametrize(
    ("name", "answer", "raised", "lowered"),
    [
        ("fixed-order", "yes", {"H1", "H2"}, {"H3", "H4"}),
        ("fixed-order", "no", {"H3", "H4", "H5"}, {"H1", "H2"}),
        ("replacement", "yes", {"H1"}, {"H3", "H4"}),
        ("replacement", "no", {"H3", "H4"}, {"H1", "H5"}),
        ("sgd-momentum", "yes", {"H2"}, {"H1"}),
        ("sgd-momentum", "no", set(), {"H2"}),
        ("lr-x0.33", "yes", {"H3"}, {"H1"}),
        ("lr-x0.33", "no", set(), {"H3"}),
    ],
)
def test_an_answer_raises_and_lowers_what_it_should(name, answer, raised, lowered):
    (found,) = ratios(arm(name, 0.0 if answer == "yes" else -0.3, answer))
    assert {each for each in raised if found.get(each, 1) > 1} == raised
    assert {each for each in lowered if found.get(each, 1) < 1} == lowered


def test_an_arm_that_cannot_be_told_says_nothing():
    assert ratios(arm("fixed-order", picture="cannot_tell"), arm("cosine-decay", picture="yes")) == []


@pytest.mark.parametrize(("excess", "is_for"), [(-0.6, True), (-0.1, False)])
def test_reversing_enlarges_memory(excess, is_for):
    (found,) = ratios(arm("reversed-order", excess, "no"))
    assert (found["H1"] > 1) == is_for
    assert ratios(arm("reversed-order", -0.33, "no")) == []


@pytest.mark.parametrize(("excess", "ratio"), [(-0.31, 0.4), (-0.9, 2.5), (0.0, 2.5)])
def test_betas_that_change_it_accuse_the_second_moment(excess, ratio):
    assert ratios(arm("beta2-0.9", excess)) == [{"H2": ratio}]


def test_a_fault_put_in_on_purpose_shows():
    worse = arm("probabilities", difference=Estimate(value=-0.02, low=-0.03, high=-0.01))
    assert ratios(worse) == [{"H6": 0.5}]
    assert ratios(arm("probabilities", difference=Estimate(value=0.0, low=-0.01, high=0.01))) == []


def test_seeds_that_agree_speak_against_noise():
    (piece,) = evidence_of_arms(BASE, [])
    assert piece.ratios == {"H8": 0.2}


def test_nothing_is_said_of_a_base_without_a_picture():
    assert evidence_of_arms(arm("base", 0.0), [arm("fixed-order", 0.0, "yes")]) == []


def test_experiments_are_done_when_they_gave_an_answer():
    assert experiments_done([BASE, arm("fixed-order", picture="yes"), arm("sgd-momentum", picture="cannot_tell")]) == {
        "fixed order", "seeds",
    }  # fmt: skip
    assert experiments_done([BASE.model_copy(update={"seeds": (0,)})]) == set()
