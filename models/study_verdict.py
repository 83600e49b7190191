"""The verdict of a study: the base's own, with what the arms showed beside it, and advice made of their outcomes."""

from collections.abc import Sequence

from models.arm_outcome import outcome_of
from models.arms import suggested_clip
from models.errors import ModelError
from models.evidence_of_arms import evidence_of_arms, experiments_done
from models.matched_progress import progress_range
from models.run_verdict import judge_runs
from models.study import ArmOutcome, ArmRuns, StudyVerdict
from models.study_advice import advice_of


def conclude(arms: Sequence[ArmRuns]) -> StudyVerdict:
    """Conclude from all arms.

    Parameters
    ----------
    arms
        The base first, each with a run or more; arms without runs are left out.

    Returns
    -------
    StudyVerdict
        The base's verdict, weighed with what the arms did to picture and problem.

    Raises
    ------
    ModelError
        If there is no base, or it has no curve.
    """
    if not arms or arms[0].arm.kind != "base" or not arms[0].runs:
        message = "A study needs the runs of its base, and the base first among its arms."
        raise ModelError(message)
    outcomes = _outcomes([arm for arm in arms if arm.runs])
    base, others = outcomes[0], outcomes[1:]
    verdict = judge_runs(arms[0].runs, evidence_of_arms(base, others), experiments_done(outcomes))
    is_settled = verdict.leading is not None and verdict.is_issue != "cannot_tell"
    said = verdict.model_dump() | {
        "advice": advice_of(verdict, base, others),
        "next_experiment": "None is needed." if is_settled else verdict.next_experiment,
        "arms": [outcome.model_dump() for outcome in outcomes],
        "suggested_clip": _clip(arms[0]),
    }
    return StudyVerdict.model_validate(said)


def _outcomes(arms: Sequence[ArmRuns]) -> list[ArmOutcome]:
    within = progress_range(arms[0].runs)
    base = outcome_of(arms[0], arms[0], None, within)
    return [base, *(outcome_of(arm, arms[0], base, within) for arm in arms[1:])]


def _clip(base: ArmRuns) -> float | None:
    try:
        return suggested_clip(base.runs)
    except ModelError:  # no gradient was recorded, so none is suggested
        return None
