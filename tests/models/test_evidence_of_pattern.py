import numpy as np
import pytest

from models.curve import curve
from models.curve_set import CurveSet, measure
from models.evidence_of_pattern import PATTERN_RULES, said, shown
from models.sawtooth import sawtooth
from tests.models.curve_cases import EPOCHS, LAG, PLACE, WEIGHTS, Case


def found(given: CurveSet) -> dict[str, dict[str, float]]:
    measured = measure(given)
    pieces = [(rule.__name__, rule(measured)) for rule in PATTERN_RULES]
    return {name.strip("_"): dict(piece.ratios) for name, piece in pieces if piece is not None}


def test_a_train_curve_alone_does_not_part_memory_adam_metric_and_order():
    ratios = found(Case().of("train_only"))["train"]
    assert max(ratios[name] for name in ("H1", "H2", "H4", "H5")) < 2 * min(
        ratios[name] for name in ("H1", "H2", "H4", "H5")
    )


@pytest.mark.parametrize(
    ("case", "rule", "raised", "lowered"),
    [
        ("memory", "probe", {"H1", "H4", "H5"}, {"H2", "H3"}),
        ("swinging", "probe", {"H2", "H3"}, {"H1", "H4"}),
        ("memory", "validation", set(), {"H3", "H7"}),
        ("memory_with_dip", "validation", {"H1", "H3", "H5"}, {"H4", "H7"}),
        ("mirrored", "validation", {"H7"}, {"H1"}),
        ("memory", "undone", set(), {"H4"}),
        ("memory", "first_epoch", {"H1"}, {"H5"}),
        ("order", "first_epoch", {"H5"}, {"H1"}),
        ("mean_since_start", "undone", {"H4", "H1"}, {"H2", "H5"}),
        ("mean_since_start", "within", {"H4"}, {"H1"}),
        ("overfit", "train", set(), {"H1", "H2"}),
    ],
)
def test_a_rule_raises_and_lowers_what_it_should(case, rule, raised, lowered):
    ratios = found(Case().of(case))[rule]
    assert {name for name in raised if ratios.get(name, 1) > 1} == raised
    assert {name for name in lowered if ratios.get(name, 1) < 1} == lowered


def test_a_loss_that_rises_within_its_epochs_is_no_lagging_mean():
    ratios = found(CurveSet({"train_loss": Case().one(5 - 0.1 * EPOCHS + 0.3 * PLACE)}))["within"]
    assert ratios["H1"] > 1 > ratios["H4"]


def test_a_probe_that_jumps_the_other_way():
    case = {**Case().memory(), "probe_loss": Case(1).one(WEIGHTS - 0.25 * PLACE, 0.005)}
    assert found(CurveSet(case))["probe"]["H2"] < 1 < found(CurveSet(case))["probe"]["H1"]


def test_a_probe_too_noisy_to_tell_says_nothing():
    case = {**Case().memory(), "probe_loss": Case(1).one(WEIGHTS, 0.3)}
    assert "probe" not in found(CurveSet(case))


def test_validation_that_saws_alone_is_not_train():
    case = {"validation_loss": Case().one(WEIGHTS + 0.3 * PLACE)}
    assert found(CurveSet(case))["validation"]["H8"] < 1


def test_growth_of_the_jumps_is_evidence_of_memory_only_when_it_would_show():
    epochs = np.arange(1, 41) / 4
    place = epochs - (np.ceil(epochs - 1e-9) - 1)
    noise = 0.01 * np.random.default_rng(0).standard_normal(40)
    growing = found(CurveSet({"train_loss": (curve(epochs, 5 + 0.05 * epochs * place + noise),)}))["growing"]
    even = found(CurveSet({"train_loss": (curve(epochs, 5 + 0.3 * place + noise),)}))["growing"]
    assert growing["H1"] > 1 > growing["H5"]
    assert even["H5"] > 1 > even["H1"]
    short = CurveSet({"train_loss": Case().one(WEIGHTS + LAG + 0.3 * PLACE)})
    assert "growing" not in found(short)


def test_numbers_are_said():
    assert "(no interval)" in said(sawtooth([curve([0.5, 1.0, 1.5, 2.0], [4, 3, 5, 4])]))
    measured = measure(Case().of("memory"))
    assert shown(measured, "train").startswith("loss -0.")
    assert "95 % interval" in shown(measured, "train")
    assert len(EPOCHS) == 24
