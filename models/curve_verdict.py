"""The verdict from curves alone: what may cause the picture, what cannot be told apart, whether it is an issue.

Curves show what happened, not why: where they allow several causes the verdict says so, leads with none, and names
the experiment that would part them.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from models.advice import advice_of_curves
from models.curve_set import CurveSet, Measured, Role, Side, direction_of, measure, role_of
from models.curve_sides import overfit, train_side, validation_side
from models.dips import NOT_PAIRED, SMALL_DIP, SMALL_STEP, Paired, is_excluded
from models.errors import ModelError
from models.evidence_of_pattern import PATTERN_RULES
from models.evidence_of_training import TRAINING_RULES
from models.experiments import next_experiment
from models.hypotheses import HYPOTHESES, NAMES, Evidence, HypothesisId, leading, not_separated, supports
from models.sawtooth import Sawtooth
from models.verdict import CurveSawtooth, CurveVerdict, EvidenceFor, Hypothesis, Issue

_FAULTS: frozenset[HypothesisId] = frozenset({"H3", "H4", "H5", "H6", "H7"})
_SEEN_OTHERWISE: frozenset[HypothesisId] = frozenset({"H3", "H4", "H6", "H8"})
"""Hypotheses that evidence other than a clear sawtooth can convict."""
_BEYOND_CURVES: frozenset[HypothesisId] = frozenset({"H5"})
"""Hypotheses that curves alone cannot convict: what a part of an epoch holds is in none of them."""
_RESOLVED = 0.1
"""Share of a curve's range: a jump this small would have been seen, or nothing is said of there being none."""
_FEWEST_BOUNDARIES = 3
_MORE_DATA = "Train for more epochs, with more seeds, or evaluate more windows."


def judge(
    given: CurveSet,
    period: str,
    evidence: Sequence[Evidence] = (),
    paired: Paired = NOT_PAIRED,
    done: frozenset[str] = frozenset(),
) -> CurveVerdict:
    """Weigh what curves show.

    Parameters
    ----------
    given
        The curves there are.
    period
        How the epoch's period is known, a sentence.
    evidence
        What is known beside the curves, such as of arms.
    paired
        What validation does between epochs, compared window by window; where it was not, its curves say.
    done
        Names of experiments that need not be made again.

    Returns
    -------
    CurveVerdict
        Leading with None where hypotheses are not told apart, or nothing saws and nothing else accuses one.

    Raises
    ------
    ModelError
        If there are no curves at all.
    """
    if not any(given.curves.values()):
        message = "There is no curve to judge: name at least one of train, probe or validation loss or hit ratio."
        raise ModelError(message)
    measured = measure(given)
    found = [rule(measured) for rule in (*PATTERN_RULES, *TRAINING_RULES)]
    weighed = [*(piece for piece in found if piece is not None), *evidence]
    support = supports(weighed)
    proven = {piece.proves for piece in weighed if piece.proves}
    is_seen = _is_pictured(measured) or _best(support) in _SEEN_OTHERWISE | proven
    seen = leading(support) if is_seen else None
    first = None if seen in _BEYOND_CURVES and not evidence else seen
    is_issue = _is_issue(measured, first, paired.is_issue, proven)
    unclear = _unclear(support, seen) if first is None and _is_pictured(measured) else ()
    return CurveVerdict(
        leading=first,
        hypotheses=_ranked(support, weighed),
        not_separated=unclear,
        sawtooth=tuple(described(role, one) for role, one in measured.sawtooth.items()),
        period=period,
        train_side=train_side(measured),
        validation_side=validation_side(measured),
        is_issue=is_issue,
        advice=advice_of_curves(measured, first, is_issue, paired),
        next_experiment=_next(measured, support, is_issue, done),
    )


def _best(support: dict[HypothesisId, float]) -> HypothesisId:
    return max(HYPOTHESES, key=lambda name: support[name])


def _unclear(support: dict[HypothesisId, float], seen: HypothesisId | None) -> tuple[HypothesisId, ...]:
    """Return what is not told apart: where the best cannot be convicted, it and the next."""
    ranked = sorted(HYPOTHESES, key=lambda name: -support[name])
    return not_separated(support) or (tuple(ranked[:2]) if seen else ())


def _is_pictured(measured: Measured) -> bool:
    """Return whether any side saws: without a picture there is no cause of it."""
    return any(measured.tilt(side) in {"better", "worse"} for side in ("train", "probe", "validation"))


def _ranked(support: dict[HypothesisId, float], weighed: list[Evidence]) -> tuple[Hypothesis, ...]:
    ranked = sorted(HYPOTHESES, key=lambda name: -support[name])
    return tuple(
        Hypothesis(
            id=name,
            name=NAMES[name],
            support=support[name],
            evidence=tuple(
                EvidenceFor(statement=piece.statement, ratio=piece.ratios[name])
                for piece in weighed
                if piece.ratios.get(name, 1.0) != 1
            ),
        )
        for name in ranked
    )


def described(role: str, one: Sawtooth) -> CurveSawtooth:
    """Say a sawtooth for machines.

    Parameters
    ----------
    role
        Of the curve.
    one
        Measured.

    Returns
    -------
    CurveSawtooth
        The same numbers and a direction.
    """
    return CurveSawtooth(
        curve=role,
        excess=one.excess,
        low=one.low,
        high=one.high,
        over=one.over,
        direction=direction_of(one),
        share_of_variance=one.share_of_variance,
        share_p_value=one.share_p_value,
        evaluations_per_epoch=one.evaluations_per_epoch,
        boundaries=len(one.jumps),
    )


def _is_issue(
    measured: Measured, first: HypothesisId | None, told: Issue | None, proven: AbstractSet[HypothesisId]
) -> Issue:
    worse = told or _dips_of_curves(measured)
    if first in _FAULTS | proven or worse == "yes":
        return "yes"
    if not _is_pictured(measured):
        # Nothing saws, but that all is well is not said of a validation loss that only gets worse.
        return "no" if _would_be_seen(measured, told) and not overfit(measured) else "cannot_tell"
    is_only_average = measured.tilt("probe") == "none" or first in {"H1", "H8"}
    return "no" if is_only_average and first is not None and worse == "no" else "cannot_tell"


def _dips_of_curves(measured: Measured) -> Issue:
    """Say whether validation dips between epochs, as far as its curves tell without the windows they are means of.

    Each curve is wrong once in twenty, so where one is clear the other must at least lean its way by what matters.
    """
    loss, ratio = measured.sawtooth.get("validation_loss"), measured.sawtooth.get("validation_hr")
    found = {measured.tilt_of("validation", "loss"), measured.tilt_of("validation", "hr")} - {None}
    leans = (loss is None or loss.excess > SMALL_STEP) and (ratio is None or ratio.excess < -SMALL_DIP)
    if found == {"worse"} or ("worse" in found and leans):
        return "yes"
    if found != {"none"}:
        return "cannot_tell"
    is_seen = is_excluded(ratio, -SMALL_DIP) if ratio else _is_resolved(measured, "validation_loss")
    return "no" if is_seen else "cannot_tell"


def _would_be_seen(measured: Measured, told: Issue | None) -> bool:
    """Return whether a jump of any weight would have been seen, on each side that has a curve to measure."""
    sides: dict[Side, list[Role]] = {
        side: [role for role in (role_of(side, "loss"), role_of(side, "hr")) if role in measured.sawtooth]
        for side in ("train", "probe", "validation")
    }
    seen = [
        (side == "validation" and told == "no") or any(_is_resolved(measured, role) for role in roles)
        for side, roles in sides.items()
        if roles
    ]
    return bool(seen) and all(seen)


def _is_resolved(measured: Measured, role: Role) -> bool:
    one = measured.sawtooth[role]
    if one.low is None or one.high is None or len(one.jumps) < _FEWEST_BOUNDARIES:
        return False
    value_N = measured.given.curves[role][0].value_N
    return (one.high - one.low) / 2 <= _RESOLVED * float(value_N.max() - value_N.min())


def _next(measured: Measured, support: dict[HypothesisId, float], is_issue: Issue, done: frozenset[str]) -> str:
    if not measured.sawtooth:
        return (
            "Evaluate at least twice an epoch, over four epochs or more, and log the epoch: without that no curve can "
            "show the epoch's pattern."
        )
    if not _is_pictured(measured) and leading(support) is None:
        if is_issue == "no":
            return "None is needed."
        if overfit(measured):
            return "Train once more with more dropout or weight decay, or stop at the best validation epoch."
        return f"{_MORE_DATA} A sawtooth could hide in the noise of these curves."
    best = next_experiment(support, has_probe=measured.tilt("probe") is not None, done=done)
    return _MORE_DATA if best is None else best.instruction
