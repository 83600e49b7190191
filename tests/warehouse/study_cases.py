"""A study by hand: a base on two seeds that saws, a fixed order that does not, a rate that diverged."""

from typing import Any

import polars as pl

STUDY_ID = "s-1"
CURVES = ("train_loss", "train_hr", "probe_loss", "probe_hr", "validation_loss", "validation_hr")


def sawtooth(curve: str, excess: float, half: float | None = 0.01) -> dict[str, Any]:
    return {
        "curve": curve, "excess": excess, "low": None if half is None else excess - half,
        "high": None if half is None else excess + half, "over": "seeds", "direction": "down" if excess < 0 else "none",
        "share_of_variance": 0.6, "share_p_value": 0.001, "evaluations_per_epoch": 4, "boundaries": 5,
    }  # fmt: skip


def estimate(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def outcome(name: str, kind: str, jump: float, **changes: Any) -> dict[str, Any]:
    is_base = kind == "base"
    return {
        "name": name, "kind": kind, "asks": f"What does {name} do?", "run_ids": [f"{name}-0"], "seeds": [0],
        "status": "finished", "sawtooth": [sawtooth("train_loss", jump), sawtooth("validation_hr", 0.0)],
        "at_matched_progress": [sawtooth("train_loss", jump / 2)], "slope_within": estimate(0.3, 0.05),
        "explained": estimate(0.92, 0.03), "explained_jump": estimate(1.02, 0.05),
        "validation_dip": estimate(-0.004, 0.003), "validation_loss_dip": estimate(0.08, 0.02),
        "best_validation_hr": 0.305, "best_validation_epoch": 3.25, "best_at_epoch_ends_hr": 0.304,
        "difference": None if is_base else estimate(0.002, 0.004), "probe_loss": 4.9,
        "removes_picture": None if is_base else "yes", "removes_problem": None if is_base else "cannot_tell",
        "clipped_share": None, **changes,
    }  # fmt: skip


def verdict() -> dict[str, Any]:
    arms = [
        outcome("base", "base", -0.3, run_ids=["base-0", "base-1"], seeds=[0, 1]),
        outcome("fixed-order", "order", 0.004),
        outcome(
            "lr-0.01", "rate", -0.9, status="diverged", sawtooth=[], at_matched_progress=[], slope_within=None,
            explained=None, explained_jump=None, validation_loss_dip=None, validation_dip=None,
            best_validation_hr=None, best_validation_epoch=None,
            best_at_epoch_ends_hr=None, difference=None, probe_loss=None, removes_picture="cannot_tell",
        ),
    ]  # fmt: skip
    evidence = [
        {"statement": "gone with <one> order", "ratio": 9.0},
        {"statement": "the probe is smooth", "ratio": 0.5},
    ]
    return {
        "leading": "H1",
        "hypotheses": [
            {"id": "H1", "name": "re-exposure: remembered best", "support": 0.83, "evidence": evidence},
            {"id": "H2", "name": "Adam's second moment: updates", "support": 0.05, "evidence": []},
        ],
        "not_separated": [],
        "sawtooth": arms[0]["sawtooth"],
        "period": "as recorded",
        "train_side": "Falls at each boundary.",
        "validation_side": "Dips a little.",
        "is_issue": "no",
        "advice": "Read the probe.",
        "next_experiment": "None is needed.",
        "arms": arms,
        "suggested_clip": 1.23,
    }


def facts(kind: str = "diagnose") -> dict[str, Any]:
    return {
        "study_id": STUDY_ID, "kind": kind, "dataset_id": "d-1", "source": "shop <b>", "size": "250k",
        "created_at": "2026-03-01T02:00:00+00:00", "verdict": "H1, re-exposure",
        "command": f"python -m flows {kind} --size 250k", "code": {"runs": "a", "verdict": "b"},
        "versions": {"torch": "2.9"},
        "config": {"training": {"cutoffs": [10], "optimizer": {"lr": 0.003}}, "dataset": {}, "study": {"seeds": 2}},
        "arms": [
            {"name": arm["name"], "kind": arm["kind"], "asks": arm["asks"],
             "runs": [{"run_id": run, "seed": seed, "command": f"python -m flows nightly --training.seed {seed}"}
                      for run, seed in zip(arm["run_ids"], arm["seeds"], strict=True)]}
            for arm in verdict()["arms"]
        ],
    }  # fmt: skip


def points() -> pl.DataFrame:
    """Return evaluations of every run, four an epoch over three epochs; seed 1 is 0.1 above seed 0."""
    rates = {"base": 0.003, "fixed-order": 0.003, "lr-0.01": 0.01}
    rows = []
    for arm in verdict()["arms"]:
        for seed in arm["seeds"]:
            for number in range(1, 13):
                for estimator, level in (("train_running", 5.2), ("train_probe", 5.0), ("validation", 5.6)):
                    loss = level - 0.05 * number + 0.1 * seed + 0.1 * ((number - 1) % 4)
                    place = {
                        "arm": arm["name"], "lr": rates[arm["name"]], "seed": seed, "step": 10 * number,
                        "epoch": number / 4, "phase": (number - 1) % 4 + 1, "estimator": estimator,
                    }  # fmt: skip
                    rows.append(
                        place | {"metric": "loss", "value": loss, "ci_low": loss - 0.02, "ci_high": loss + 0.02}
                    )
                    rows.append(place | {"metric": "hr@10", "value": 0.5 - loss / 20, "ci_low": None, "ci_high": None})
    return pl.DataFrame(rows)


def quarters() -> pl.DataFrame:
    places = [1.125 + 0.25 * number for number in range(8)]
    losses = [5.1, 5.2, 5.3, 5.35] * 2
    return pl.DataFrame({"epoch": places, "observed": losses, "predicted": [loss + 0.01 for loss in losses]})
