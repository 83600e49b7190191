import pytest

from warehouse.curve_names import ROLES, CurveColumns, guessed_role, place_of, roles_of
from warehouse.errors import WarehouseError


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("train_loss", "train_loss loss train/loss Loss/train train_running/loss trainLoss train_nll train_loss_step"),
        ("train_loss", "train_cross_entropy batch_loss"),
        ("validation_loss", "val_loss eval_loss valid/loss validation/loss dev-loss valLoss"),
        ("probe_loss", "train_probe/loss probe_loss frozen_train_loss"),
        ("train_hr", "train_hr10 train_hr@10 hit_rate hitrate@5 train/recall@20 accuracy train_acc"),
        ("validation_hr", "val_hr@10 val_hr10 eval_hit_rate validation/hr@10 val_accuracy valid/hits@1"),
        ("probe_hr", "train_probe/hr@10"),
        ("lr", "lr learning_rate lr-Adam train/learning_rate lr0"),
        ("grad_norm", "grad_norm gradient_norm grad_2.0_norm_total train/grad_norm"),
        (None, "epoch train_runtime test_loss perplexity wall_time step eval_runtime hrs_left closs"),
    ],
)
def test_names_are_guessed(role, names):
    assert {name: guessed_role(name) for name in names.split()} == dict.fromkeys(names.split(), role)


def test_of_several_the_one_with_most_values_plays_the_role():
    counts = {"loss": 6, "train_loss_step": 600, "val_loss": 24}
    assert roles_of(counts, CurveColumns()) == {"train_loss": "train_loss_step", "validation_loss": "val_loss"}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_can_be_said(role):
    said = CurveColumns.model_validate({role: "strange"})
    assert roles_of({"strange": 1, "lr": 1, "loss": 1}, said)[role] == "strange"


def test_what_is_said_is_not_guessed_for_another():
    assert roles_of({"loss": 9}, CurveColumns(validation_loss="loss")) == {"validation_loss": "loss"}


def test_what_is_said_and_not_there_is_an_error():
    with pytest.raises(WarehouseError, match=r"no column 'x' for --columns.train-loss; there are: a, b"):
        roles_of({"a": 1, "b": 1}, CurveColumns(train_loss="x"))
    with pytest.raises(WarehouseError, match=r"--columns.step"):
        place_of("step", ["a"], "x")


@pytest.mark.parametrize(
    ("kind", "names", "expected"),
    [("step", ["Step", "loss"], "Step"), ("step", ["_step", "global_step"], "global_step"), ("step", ["loss"], None),
     ("epoch", ["trainer/epoch"], "trainer/epoch"), ("run", ["Run ID"], "Run ID"), ("name", ["key"], "key"),
     ("value", ["value"], "value")],
)  # fmt: skip
def test_places_are_guessed(kind, names, expected):
    assert place_of(kind, names, None) == expected


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="extra"):
        CurveColumns.model_validate({"train_lost": "x"})
