"""Advice made of what the arms of a study showed: five short sentences at most, in agreement with the paired tests."""

from collections.abc import Sequence

from models.advice import cause_advice
from models.dips import SMALL_DIP, SMALL_STEP, may_be_masked
from models.study import ArmOutcome, Estimate
from models.verdict import CurveSawtooth, CurveVerdict

_MOST_NAMED = 4
_SAME_BEST = 0.001
"""Of the hit ratio: less is not worth an evaluation inside epochs."""


def advice_of(verdict: CurveVerdict, base: ArmOutcome, arms: Sequence[ArmOutcome]) -> str:
    """Say what to do.

    Parameters
    ----------
    verdict
        On the base.
    base
        Its outcome.
    arms
        Those of the others.

    Returns
    -------
    str
        At most five sentences: the cause, validation, what removed picture and problem and at which cost, what did not,
        which weights to keep.
    """
    cause = cause_advice(verdict.leading, verdict.is_issue)
    parts = [cause, _validation(base), _removed(base, arms), _in_vain(base, arms), _weights(base, arms)]
    return " ".join(f"{part[0].upper()}{part[1:]}." if part[-1] != "." else part for part in parts if part)


def _dips(base: ArmOutcome) -> bool:
    dip = base.validation_dip
    return dip is not None and dip.high is not None and dip.high < 0


def _loss_steps(base: ArmOutcome) -> bool:
    row = _row(base.sawtooth, "validation_loss")
    is_jump = row is not None and row.direction == "up"  # where it overfits the loss rises everywhere
    return is_jump and _loss_rises(base)


def _loss_rises(base: ArmOutcome) -> bool:
    dip = base.validation_loss_dip
    return dip is not None and dip.low is not None and dip.low > 0 and dip.value > SMALL_STEP


def _is_without_dip(base: ArmOutcome, dip: Estimate) -> bool:
    """Return whether a dip of a point is excluded, where the loss rises without the trend, too (`Paired.is_issue`)."""
    rows = _row(base.sawtooth, "validation_hr"), _row(base.sawtooth, "validation_loss")
    return dip.low is not None and dip.low > -SMALL_DIP and not (_loss_rises(base) and may_be_masked(*rows))


def _row(rows: Sequence[CurveSawtooth], curve: str) -> CurveSawtooth | None:
    return next((row for row in rows if row.curve == curve), None)


def _validation(base: ArmOutcome) -> str:
    dip, loss = base.validation_dip, base.validation_loss_dip
    if dip is None or dip.low is None:
        return ""
    step = f"the validation loss steps by {loss.value:+.2g} nats between epochs" if loss and _loss_steps(base) else ""
    if _dips(base):
        also = f", and {step}" if step else ""
        return f"the validation hit ratio dips between epochs by {_points(dip)}{also}: compare models at their ends"
    told = "by less than can be seen" if _is_without_dip(base, dip) else "by no more than chance"
    if step:
        consequence = "read the loss at the ends of epochs, in early stopping too"
        return f"{step}, the hit ratio {told} ({_points(dip)}): {consequence}"
    if _is_without_dip(base, dip):
        return f"the validation hit ratio does not dip between epochs ({_points(dip)}): there is nothing to remedy"
    return f"the validation hit ratio moves between epochs {told} ({_points(dip)}): more windows or seeds would tell"


def _removed(base: ArmOutcome, arms: Sequence[ArmOutcome]) -> str:
    """Name the arms without the problem, or without the picture where there is no problem, with what they cost."""
    if _dips(base):
        without = [arm for arm in arms if arm.removes_problem == "yes"]
        return f"without the dip: {_listed(without)}" if without else "no arm is known to be without the dip"
    if _loss_steps(base):
        without = [arm for arm in arms if _is_without_step(arm, base)]
        return f"without the step of the loss: {_listed(without)}" if without else ""
    gone = [arm for arm in arms if arm.removes_picture == "yes"]
    return f"the picture goes at the same progress with {_listed(gone)}" if gone else ""


def _is_without_step(arm: ArmOutcome, base: ArmOutcome) -> bool:
    """Return whether an arm's loss is not seen to jump beyond its trend, and jumps less than the base's for sure."""
    mine, theirs = (_row(one.at_matched_progress, "validation_loss") for one in (arm, base))
    if mine is None or theirs is None or mine.low is None or mine.high is None or theirs.low is None:
        return False
    return mine.low <= 0 and mine.high < theirs.low


def _in_vain(base: ArmOutcome, arms: Sequence[ArmOutcome]) -> str:
    """Name the arms that change nothing for it, and those that cannot be compared."""
    has_problem = _dips(base)
    still = [arm.name for arm in arms if (arm.removes_problem if has_problem else arm.removes_picture) == "no"]
    slow = [arm.name for arm in arms if not arm.at_matched_progress and arm.status == "finished"]
    broken = [arm.name for arm in arms if arm.status == "diverged"]
    parts = [
        f"{'the dip' if has_problem else 'the picture'} stays with {_names(still)}" if still else "",
        f"not compared, for the base's progress is not theirs: {_names(slow)}" if slow else "",
        f"diverged: {_names(broken)}" if broken else "",
    ]
    return "; ".join(part for part in parts if part)


def _weights(base: ArmOutcome, arms: Sequence[ArmOutcome]) -> str:
    """Say which of the base's weights to keep, and which arms have better ones."""
    parts = []
    whole, ends = base.best_validation_hr, base.best_at_epoch_ends_hr
    if whole is not None and ends is not None:
        is_same = whole - ends < _SAME_BEST
        which = "the best end of an epoch" if is_same else "the best evaluation, inside an epoch or at its end"
        parts.append(f"keep the weights of {which} (hit ratio {whole:.4f}, at ends alone {ends:.4f})")
    better = [arm for arm in arms if arm.difference and arm.difference.low is not None and arm.difference.low > 0]
    if better:
        parts.append(f"surely better than the base's are those of {_listed(better)}")
    elif any(arm.difference for arm in arms):
        parts.append("no arm's are surely better")
    return "; ".join(parts)


def _listed(arms: Sequence[ArmOutcome]) -> str:
    """List arms with what they cost, the best ones first."""
    ranked = sorted(arms, key=lambda arm: -(arm.difference.value if arm.difference else 0.0))
    named = [
        f"{arm.name} (best hit ratio {100 * arm.difference.value:+.2f} points)" if arm.difference else arm.name
        for arm in ranked
    ]
    return _names(named)


def _names(named: Sequence[str]) -> str:
    rest = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return f"{', '.join(named[:_MOST_NAMED])}{rest}"


def _points(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return f"{100 * one.value:+.2f} points"
    return f"{100 * one.value:+.2f} points, 95 % interval {100 * one.low:+.2f} to {100 * one.high:+.2f}"
