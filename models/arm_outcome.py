"""What became of one arm beside the base: its picture, its problem and its best, each with an interval."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.best_model import at_epoch_ends, best_difference, best_point, value_of
from models.curve_set import Role, measure
from models.curve_verdict import described
from models.entry_level import entry_share
from models.explained_by_age import age_spread, explained_share, least_explained_share
from models.forgetting_prediction import Explained
from models.matched_progress import ProgressRange, matched_curves, slope_within
from models.paired import PairedDifference
from models.run_curves import curve_set, hit_ratio, points_of
from models.run_record import RunRecord
from models.sawtooth import Sawtooth
from models.study import CURVES, Answer, ArmOutcome, ArmRuns, Estimate
from models.validation_dip import validation_dip, validation_loss_dip
from models.verdict import CurveSawtooth

_A_PART = 1 / 3
"""Of the base's sawtooth: what is left of it where it counts as removed."""
_HALF = 0.5
"""Of the base's dip: an arm whose interval excludes as much has not got it."""
_ONE_AGE = 0.05
"""Epochs between the mean ages of phases below which nothing is seen sooner than the rest."""


def outcome_of(
    arm: ArmRuns, base: ArmRuns, base_outcome: ArmOutcome | None, within: ProgressRange | None
) -> ArmOutcome:
    """Say what became of an arm.

    Parameters
    ----------
    arm
        With its runs.
    base
        To compare with.
    base_outcome
        The base's own; None where the arm is the base.
    within
        The base's progress; None if it has no probe.

    Returns
    -------
    ArmOutcome
        With both answers None for the base.
    """
    runs = arm.runs
    points = [points_of(run, "validation", hit_ratio(run)) for run in runs]
    outcome = ArmOutcome(
        name=arm.arm.name,
        kind=arm.arm.kind,
        asks=arm.arm.asks,
        run_ids=tuple(run.run_id for run in runs),
        seeds=tuple(run.config.seed for run in runs),
        status="diverged" if any(run.status == "diverged" for run in runs) else "finished",
        sawtooth=_rows(measure(curve_set(runs)).sawtooth),
        at_matched_progress=_rows(measure(matched_curves(runs, within)).sawtooth) if within else (),
        slope_within=_slope(runs, within),
        explained=_explained(explained_share(runs)),
        explained_at_least=_explained(least_explained_share(runs)),
        explained_jump=_jump(runs),
        validation_dip=_dip(validation_dip(runs)),
        validation_loss_dip=_dip(validation_loss_dip(runs)),
        best_validation_hr=_mean([value_of(best) for each in points if (best := best_point(each))]),
        best_validation_epoch=_mean([best.epoch for each in points if (best := best_point(each))]),
        best_at_epoch_ends_hr=_mean([value_of(best) for each in points if (best := best_point(at_epoch_ends(each)))]),
        difference=None if base_outcome is None else best_difference(runs, base.runs),
        probe_loss=_mean([value_of(last[-1]) for run in runs if (last := points_of(run, "train_probe", "loss"))]),
        removes_picture=None,
        removes_problem=None,
        clipped_share=_clipped(runs),
    )
    if base_outcome is None:
        return outcome
    answers: dict[str, Answer | None] = {
        "removes_picture": removes_picture(outcome, base_outcome, age_spread(runs)),
        "removes_problem": removes_problem(outcome, base_outcome),
    }
    return outcome.model_copy(update=answers)


def removes_picture(arm: ArmOutcome, base: ArmOutcome, spread: float | None) -> Answer:
    """Say whether an arm has the base's sawtooth, at matched progress.

    A sawtooth is a jump between epochs and a way back inside them. Where windows have all one age, as in a fixed order,
    the loss still steps down between epochs, for each is visited once more: there the way back alone counts.

    Parameters
    ----------
    arm
        Its outcome.
    base
        The base's.
    spread
        Epochs between the mean ages of the arm's phases; None if unknown.

    Returns
    -------
    str
        ``yes`` and ``no`` only where intervals exclude the other; ``cannot_tell`` too where the base has no sawtooth
        or the arm never comes as far as the base.
    """
    mine, theirs = _train_loss(arm), _train_loss(base)
    if mine is None or theirs is None or theirs.direction == "none":
        return "cannot_tell"
    jump = _compared(mine.low, mine.high, theirs.excess)
    back, own = base.slope_within, arm.slope_within
    is_one_age = spread is not None and spread < _ONE_AGE
    if back is None or own is None or back.low is None or back.low <= 0:  # the base has no sure way back
        return "cannot_tell" if is_one_age and jump == "no" else jump
    slope = _compared(own.low, own.high, back.value)
    if is_one_age:
        return slope
    if "no" in {jump, slope}:
        return "no"
    return "yes" if jump == slope == "yes" else "cannot_tell"


def removes_problem(arm: ArmOutcome, base: ArmOutcome) -> Answer | None:
    """Say whether an arm has the base's dip of validation between epochs.

    Parameters
    ----------
    arm
        Its outcome.
    base
        The base's.

    Returns
    -------
    str or None
        None where the base has no dip beyond chance, so nothing to remove. ``no`` where the arm's interval is all below
        0 too, ``yes`` where it is not and excludes half of the base's dip.
    """
    mine, theirs = arm.validation_dip, base.validation_dip
    if theirs is None or theirs.high is None or theirs.high >= 0:
        return None
    if mine is None or mine.low is None or mine.high is None or not arm.at_matched_progress:
        return "cannot_tell"
    if mine.high < 0:
        return "no"
    return "yes" if mine.low > _HALF * theirs.value else "cannot_tell"


def _train_loss(outcome: ArmOutcome) -> CurveSawtooth | None:
    return next((row for row in outcome.at_matched_progress if row.curve == "train_loss"), None)


def _compared(low: float | None, high: float | None, whole: float) -> Answer:
    """Say whether an interval lies below a third of the whole (removed), above it (not), or over it."""
    if low is None or high is None or whole == 0:
        return "cannot_tell"
    least, most = sorted((low / whole, high / whole))
    return "yes" if most < _A_PART else "no" if least > _A_PART else "cannot_tell"


def _rows(found: Mapping[Role, Sawtooth]) -> tuple[CurveSawtooth, ...]:
    return tuple(described(role, one) for role, one in found.items() if role in CURVES)


def _slope(runs: Sequence[RunRecord], within: ProgressRange | None) -> Estimate | None:
    told = slope_within(runs, within) if within else None
    return None if told is None else Estimate(value=told[0], low=told[1], high=told[2])


def _explained(told: Explained | None) -> Estimate | None:
    return None if told is None else Estimate(value=told.share, low=told.low, high=told.high)


def _jump(runs: Sequence[RunRecord]) -> Estimate | None:
    told = entry_share(runs)
    return None if told is None else Estimate(value=told.share, low=told.low, high=told.high)


def _dip(told: PairedDifference | None) -> Estimate | None:
    return None if told is None else Estimate(value=told.difference, low=told.low, high=told.high)


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _clipped(runs: Sequence[RunRecord]) -> float | None:
    if all(run.config.clip.name == "none" for run in runs):
        return None
    return _mean([record.value for run in runs for record in run.norms if record.quantity == "clipped_share"])
