import json

import numpy as np
import pytest

from models.curve import curve
from models.curve_set import CurveSet
from models.curve_verdict import judge
from models.dips import Paired
from models.errors import ModelError
from models.hypotheses import HYPOTHESES, Evidence
from models.paired import PairedDifference
from tests.models.curve_cases import EPOCHS, MEMORY, VALIDATION, WEIGHTS, Case


def verdicts(case, windows=None, n_seeds=6):
    return [judge(Case(seed).of(case, windows), "said") for seed in range(n_seeds)]


@pytest.mark.parametrize(
    ("case", "leading", "is_issue"),
    [
        ("memory", "H1", "no"),
        ("memory_with_dip", "H1", "yes"),
        ("restarts", "H3", "yes"),
        ("diverging", "H3", "yes"),
        ("train_only", None, "cannot_tell"),
        ("swinging", None, "cannot_tell"),
        ("order", None, "cannot_tell"),
        ("mirrored", None, "cannot_tell"),
        ("mean_since_start", None, "cannot_tell"),
        ("without_a_pattern", None, "no"),
        ("overfit", None, "cannot_tell"),
        ("adapting", None, "cannot_tell"),
    ],
)
def test_the_guilty_leads_and_nobody_does_where_curves_cannot_tell(case, leading, is_issue):
    found = verdicts(case)
    assert [one.leading for one in found].count(leading) >= 5
    assert {one.leading for one in found} <= {leading, None}  # never a confident wrong one
    assert [one.is_issue for one in found].count(is_issue) >= 5


def test_few_validation_windows_are_noise():
    assert [one.leading for one in verdicts("few_windows", 200)].count("H8") >= 5


@pytest.mark.parametrize(
    ("case", "among"),
    [("train_only", {"H1", "H2", "H4", "H5"}), ("swinging", {"H2", "H3"}), ("order", {"H4", "H5"}),
     ("mirrored", {"H7"}), ("mean_since_start", {"H1", "H4"})],
)  # fmt: skip
def test_what_cannot_be_told_apart_is_named(case, among):
    for one in verdicts(case, n_seeds=3):
        assert among <= set(one.not_separated)


def test_the_next_experiment_fits_what_is_open():
    assert "probe" in verdicts("train_only", n_seeds=1)[0].next_experiment
    assert "order by quarter" in verdicts("order", n_seeds=1)[0].next_experiment
    assert verdicts("without_a_pattern", n_seeds=1)[0].next_experiment == "None is needed."
    assert "dropout" in verdicts("overfit", n_seeds=1)[0].next_experiment


def test_overfitting_is_said_beside_the_sawtooth():
    one = verdicts("overfit", n_seeds=1)[0]
    assert "overfitting, whatever saws" in one.validation_side
    assert "best validation epoch" in one.advice
    assert "as train does: divergence" in verdicts("diverging", n_seeds=1)[0].validation_side


def test_three_epochs_without_a_pattern_are_not_called_harmless():
    noisy = WEIGHTS + 0.1 * np.random.default_rng(0).standard_normal(24)
    one = judge(CurveSet({"train_loss": (curve(EPOCHS[:12], noisy[:12]),)}), "said")
    assert (one.leading, one.is_issue) == (None, "cannot_tell")
    assert "more epochs" in one.next_experiment


def test_curves_without_a_boundary_say_what_to_log():
    one = judge(CurveSet({"train_loss": (curve([1, 2, 3], [3, 2, 1]),)}), "said")
    assert (one.leading, one.is_issue, one.sawtooth) == (None, "cannot_tell", ())
    assert "at least twice an epoch" in one.next_experiment


def test_evidence_from_elsewhere_is_weighed_too():
    arm = Evidence("one fixed order: the pattern stays", {"H5": 10, "H1": 0.1, "H2": 0.1})
    quarters = Evidence("quarters differ in time", {"H5": 10})
    found = judge(Case().of("train_only"), "said", (arm, quarters))
    assert found.leading == "H5"
    assert found.is_issue == "yes"
    assert any(piece.statement == arm.statement for piece in found.hypotheses[0].evidence)


def test_curves_alone_do_not_convict_the_order(monkeypatch):
    likely = dict.fromkeys(HYPOTHESES, 0.01) | {"H5": 0.8, "H4": 0.05}
    monkeypatch.setattr("models.curve_verdict.supports", lambda _: likely)
    alone = judge(Case().of("train_only"), "said")
    assert (alone.leading, alone.not_separated) == (None, ("H5", "H4"))
    quarters = Evidence("quarters differ in time", {"H5": 10})
    assert judge(Case().of("train_only"), "said", (quarters,)).leading == "H5"


def test_no_curve_at_all_is_an_error():
    with pytest.raises(ModelError, match="no curve to judge"):
        judge(CurveSet({}), "said")


def test_supports_are_ranked_and_within_bounds():
    one = verdicts("memory", n_seeds=1)[0]
    assert {each.id for each in one.hypotheses} == set(HYPOTHESES)
    values = [each.support for each in one.hypotheses]
    assert values == sorted(values, reverse=True)
    assert 0 < sum(values) < 1


def test_it_serialises_to_the_schema_of_the_verdict():
    found = json.loads(verdicts("memory_with_dip", n_seeds=1)[0].model_dump_json())
    assert set(found) >= {
        "leading", "hypotheses", "sawtooth", "train_side", "validation_side", "is_issue", "advice", "next_experiment",
    }  # fmt: skip
    assert set(found["hypotheses"][0]) == {"id", "name", "support", "evidence"}
    assert found["sawtooth"][0]["low"] < found["sawtooth"][0]["excess"] < found["sawtooth"][0]["high"]


def test_dips_seen_window_by_window_count_before_the_curve():
    given = Case().of("memory_with_dip")
    bounds = {"yes": (-0.03, -0.01), "no": (-0.005, 0.005), "cannot_tell": (-0.03, 0.01)}
    told = {name: Paired(PairedDifference(low, low, high, 1_000, 500, 1), None) for name, (low, high) in bounds.items()}
    assert {name: judge(given, "said", paired=paired).is_issue for name, paired in told.items()} == {
        "yes": "yes", "no": "no", "cannot_tell": "cannot_tell",
    }  # fmt: skip
    assert judge(Case().of("memory"), "said", paired=told["yes"]).is_issue == "yes"


@pytest.mark.parametrize(
    ("loss", "ratio", "is_issue"),
    [
        (0.4, 0.1, "yes"),
        (0.4, 0.0, "cannot_tell"),  # the loss steps, the hit ratio does not
        (0.0, 0.1, "cannot_tell"),  # the hit ratio dips, the loss, which is less noisy, does not
        (0.0, 0.0, "no"),
        (0.4, None, "yes"),  # there is nothing else to go by
    ],
)
def test_of_two_validation_curves_one_alone_does_not_make_an_issue(loss, ratio, is_issue):
    rng = np.random.default_rng(1)
    roles = {"validation_loss": (curve(EPOCHS, VALIDATION - loss * MEMORY + 0.01 * rng.standard_normal(24)),)}
    if ratio is not None:
        rising = 0.3 - 0.1 * np.exp(-EPOCHS) + ratio * MEMORY
        roles["validation_hr"] = (curve(EPOCHS, rising + 0.002 * rng.standard_normal(24)),)
    assert judge(CurveSet({**Case().memory(), **roles}), "said").is_issue == is_issue


def test_a_hit_ratio_too_noisy_to_exclude_a_dip_of_a_point_is_not_called_harmless():
    rng = np.random.default_rng(3)
    noisy = {"validation_hr": (curve(EPOCHS, 0.3 + 0.03 * rng.standard_normal(24)),)}
    assert judge(CurveSet({**Case().memory(), **noisy}), "said").is_issue == "cannot_tell"


def test_what_is_proven_is_an_issue_whatever_it_is():
    restart = Evidence("second moments are set to 0", {"H2": 10}, proves="H2")
    found = judge(Case().of("memory"), "said", (restart,))
    assert (found.leading, found.is_issue) == ("H2", "yes")


def test_what_was_done_is_not_asked_for_again():
    first = judge(Case().of("train_only"), "said")
    assert "frozen weights" in first.next_experiment
    done = frozenset({"quarters", "recount", "overlap", "logits", "probe", "fixed order", "sgd", "lower rate", "seeds"})
    assert judge(Case().of("train_only"), "said", done=done).next_experiment.startswith("Train for more epochs")
