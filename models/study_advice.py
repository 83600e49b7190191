"""Advice made of what the arms of a study showed: which remedies work, at what cost in the best hit ratio."""

from collections.abc import Sequence

from models.study import ArmOutcome, Estimate
from models.verdict import CurveVerdict

_MOST_NAMED = 4


def advice_of(verdict: CurveVerdict, base: ArmOutcome, arms: Sequence[ArmOutcome]) -> str:
    """Say what to do.

    Parameters
    ----------
    verdict
        On the base, with its general advice.
    base
        Its outcome.
    arms
        Those of the others.

    Returns
    -------
    str
        Sentences, the general advice first.
    """
    parts = [verdict.advice, _problem(base, arms), _picture(arms), _best(arms), _ends(base), _unfinished(arms)]
    return " ".join(part for part in parts if part)


def _problem(base: ArmOutcome, arms: Sequence[ArmOutcome]) -> str:
    dip = base.validation_dip
    if dip is None or dip.high is None:
        return ""
    if dip.high >= 0:
        return f"Validation does not dip between epochs by more than chance ({_points(dip)}): nothing to remedy."
    without = [arm for arm in arms if arm.removes_problem == "yes"]
    with_it = [arm.name for arm in arms if arm.removes_problem == "no"]
    text = f"Validation dips between epochs by {_points(dip)}."
    if without:
        text += f" Without the dip: {_listed(without)}."
    if with_it:
        text += f" With it still: {', '.join(with_it)}."
    return text if without else f"{text} No arm is known to be without it."


def _picture(arms: Sequence[ArmOutcome]) -> str:
    gone = [arm.name for arm in arms if arm.removes_picture == "yes"]
    stays = [arm.name for arm in arms if arm.removes_picture == "no"]
    text = f"At the same progress the picture goes with {', '.join(gone)}" if gone else ""
    if stays:
        text += f"{'; it' if text else 'At the same progress the picture'} stays with {', '.join(stays)}"
    return f"{text}." if text else ""


def _best(arms: Sequence[ArmOutcome]) -> str:
    """Name the arms whose best model is surely better than the base's."""
    better = [arm for arm in arms if arm.difference and arm.difference.low is not None and arm.difference.low > 0]
    if not better:
        return "No arm's best hit ratio is surely above the base's." if any(arm.difference for arm in arms) else ""
    return f"Best hit ratios surely above the base's: {_listed(better)}."


def _ends(base: ArmOutcome) -> str:
    whole, ends = base.best_validation_hr, base.best_at_epoch_ends_hr
    if whole is None or ends is None:
        return ""
    return f"Evaluated at the ends of epochs only, the base's best would be {ends:.4f} instead of {whole:.4f}."


def _unfinished(arms: Sequence[ArmOutcome]) -> str:
    slow = [arm.name for arm in arms if not arm.at_matched_progress and arm.status == "finished"]
    broken = [arm.name for arm in arms if arm.status == "diverged"]
    text = f"Not as far as the base, or past it too soon, so nothing is said of: {', '.join(slow)}." if slow else ""
    return f"{text} Diverged: {', '.join(broken)}.".strip() if broken else text


def _listed(arms: Sequence[ArmOutcome]) -> str:
    """List arms with what they cost, the best ones first."""
    ranked = sorted(arms, key=lambda arm: -(arm.difference.value if arm.difference else 0.0))
    named = [
        f"{arm.name} (best hit ratio {_points(arm.difference)})" if arm.difference else arm.name
        for arm in ranked[:_MOST_NAMED]
    ]
    rest = f" and {len(ranked) - _MOST_NAMED} more" if len(ranked) > _MOST_NAMED else ""
    return f"{', '.join(named)}{rest}"


def _points(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return f"{100 * one.value:+.2f} points"
    return f"{100 * one.value:+.2f} points, 95 % interval {100 * one.low:+.2f} to {100 * one.high:+.2f}"
