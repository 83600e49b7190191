import math

import numpy as np
import pytest

from models.curve import curve
from models.curve_set import CurveSet, measure
from models.evidence_of_training import TRAINING_RULES
from tests.models.curve_cases import EPOCHS, VALIDATION, WEIGHTS, Case


def found(given: CurveSet) -> dict[str, tuple[str, dict[str, float]]]:
    measured = measure(given)
    pieces = [(rule.__name__, rule(measured)) for rule in TRAINING_RULES]
    return {name.strip("_"): (piece.statement, dict(piece.ratios)) for name, piece in pieces if piece is not None}


def of(**curves):
    return found(CurveSet({role: (curve(EPOCHS, values),) for role, values in curves.items()}))


@pytest.mark.parametrize(
    ("norm", "raises"),
    [(np.exp(EPOCHS / 2), True), (np.where(EPOCHS == 3, 50.0, 1.0), True), (1 + 0.1 * EPOCHS, False)],
    ids=["growing", "spiking", "calm"],
)
def test_gradient_norms_accuse_or_clear_the_rate(norm, raises):
    statement, ratios = of(grad_norm=norm)["gradients"]
    assert (ratios["H3"] > 1) == raises
    assert "gradient norms" in statement


def test_a_train_loss_that_rises_again_is_divergence_and_validation_alone_is_not():
    assert of(train_loss=5 + (EPOCHS - 3) ** 2)["divergence"][1]["H3"] > 1
    rules = of(train_loss=WEIGHTS, validation_loss=5 + (EPOCHS - 3) ** 2)
    assert rules["divergence"][1]["H3"] < 1


def test_a_running_loss_that_rises_alone_is_a_weak_witness_of_divergence():
    rising = 5 + (EPOCHS - 3) ** 2
    alone, agreed = of(train_loss=rising), of(train_loss=rising, validation_loss=rising + 1)
    assert 1 < alone["divergence"][1]["H3"] < agreed["divergence"][1]["H3"]
    against, frozen = (of(train_loss=rising, validation_loss=WEIGHTS),
                       of(train_loss=WEIGHTS, probe_loss=rising, validation_loss=WEIGHTS))  # fmt: skip
    assert against["divergence"][1]["H3"] < 1 < against["divergence"][1]["H5"]
    assert "while validation falls" in against["divergence"][0]
    assert frozen["divergence"][1]["H3"] == agreed["divergence"][1]["H3"]  # frozen on fixed windows, it needs none


def test_values_that_are_not_finite_are_said():
    given = CurveSet({"train_loss": (curve(EPOCHS, WEIGHTS),)}, non_finite={"train_loss": 3, "lr": 0})
    statement, ratios = found(given)["not_finite"]
    assert "3 of train loss" in statement
    assert ratios["H3"] > 1 < ratios["H6"]
    assert "not_finite" not in of(train_loss=WEIGHTS)


def test_a_rate_that_restarts_is_seen_and_one_that_decays_is_not():
    assert found(Case().of("restarts"))["restarts"][1]["H3"] == 10
    assert of(lr=1e-3 * np.exp(-EPOCHS))["restarts"][1]["H3"] < 1


@pytest.mark.parametrize("eps", [1e-7, 1e-12])
def test_losses_at_the_cap_are_seen(eps):
    capped = np.where(EPOCHS > 4, -math.log(eps), WEIGHTS)
    statement, ratios = of(train_loss=capped)["capped"]
    assert ratios["H6"] > 1
    assert f"{-math.log(eps):.2f}" in statement
    assert "capped" not in of(train_loss=WEIGHTS)


def test_overlap_is_cleared_by_a_gap_and_raised_by_none():
    assert of(train_loss=WEIGHTS, validation_loss=VALIDATION)["overlap"][1]["H7"] < 1
    assert of(train_loss=WEIGHTS, validation_loss=WEIGHTS)["overlap"][1]["H7"] > 1


def test_a_hit_ratio_that_moves_as_chance_does():
    statement, ratios = found(Case().of("few_windows", windows=200))["chance"]
    assert ratios["H8"] == 8
    assert "200 windows" in statement
    # The same moves are no chance of a million windows; nothing is said where the count is unknown.
    assert found(Case().of("few_windows", windows=1_000_000))["chance"][1]["H8"] < 1
    assert "chance" not in found(Case().of("few_windows"))
