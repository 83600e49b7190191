"""The verdict on one training, over one or more seeds: its curves, and what its instruments recorded beside them."""

from collections.abc import Sequence

from models.advice import loss_in_words
from models.curve_set import CurveSet, Measured, measure
from models.curve_verdict import judge
from models.dips import Paired, dip_in_words, dips, loss_dip_in_words
from models.errors import ModelError
from models.evidence_of_evaluation import evidence_of_evaluation
from models.evidence_of_gap import evidence_of_gap
from models.evidence_of_memory import evidence_of_memory, is_staircase
from models.evidence_of_norms import evidence_of_norms
from models.evidence_of_numerics import evidence_of_numerics
from models.evidence_of_quarters import evidence_of_quarters
from models.evidence_of_sums import evidence_of_sums
from models.evidence_of_updates import evidence_of_updates
from models.evidence_of_validation import evidence_of_validation
from models.evidence_of_watched import evidence_of_watched
from models.hypotheses import Evidence
from models.run_curves import curve_set
from models.run_record import RunRecord
from models.validation_dip import paired_dips
from models.verdict import CurveVerdict

_HIDDEN = (
    " The loss steps, and the hit ratio's own trend may hide a dip: without the trend, one of a point is possible."
)
_MORE_SEEDS = "Train with more seeds, or evaluate more windows: the cause is known, whether validation dips is not."


def judge_runs(
    runs: Sequence[RunRecord], beside: Sequence[Evidence] = (), done: frozenset[str] = frozenset()
) -> CurveVerdict:
    """Say why the curves of a training saw, and whether it is an issue.

    Parameters
    ----------
    runs
        Of one training, one a seed, at least one with a curve.
    beside
        What is known from elsewhere, such as from other arms.
    done
        Names of experiments that were made elsewhere, so as not to be asked for.

    Returns
    -------
    CurveVerdict
        From the curves and from the instruments beside them.

    Raises
    ------
    ModelError
        If there is no run, or none has a curve.
    """
    given = curves_of_runs(runs)
    measured = measure(given)
    paired = paired_dips(runs, measured)
    evidence = (*evidence_of_runs(runs, measured), *beside)
    verdict = judge(given, period_of_runs(given), evidence, paired, done | _done_within(runs))
    update = {"validation_side": f"{verdict.validation_side} {_side(paired)}".strip()}
    if verdict.leading is not None and verdict.is_issue == paired.is_issue == "cannot_tell":
        update["next_experiment"] = _MORE_SEEDS
    verdict = verdict.model_copy(update=update)
    return _of_steps(verdict, measured, paired) if is_staircase(runs, measured) else verdict


def _side(paired: Paired) -> str:
    """Say what validation does over the ends of epochs, window by window."""
    if paired.hit_ratio is None:
        return ""
    text = f"Window by window, the hit ratio over the ends of epochs: {dip_in_words(paired.hit_ratio)}"
    if paired.loss is not None:
        text += f"; the loss: {loss_dip_in_words(paired.loss)}"
    clause = loss_in_words(paired)
    hidden = "" if paired.is_issue == dips(paired.hit_ratio) else _HIDDEN
    return f"{text}. So {clause}.{hidden}" if clause else f"{text}.{hidden}"


def _done_within(runs: Sequence[RunRecord]) -> frozenset[str]:
    """Name the experiments that the instruments of the runs have made already."""
    made = {
        "quarters": any(len(run.quarters) > 1 for run in runs),
        "recount": any(run.steps for run in runs),
        "overlap": any(run.overlap is not None for run in runs),
    }
    return frozenset(name for name, is_made in made.items() if is_made)


def _of_steps(verdict: CurveVerdict, measured: Measured, paired: Paired) -> CurveVerdict:
    """Say that steps between epochs are no sawtooth, where nothing else is wrong but chance."""
    if verdict.leading not in {None, "H8"} or verdict.is_issue == "yes" or measured.tilt("probe") in {None, "worse"}:
        return verdict
    train_side = (
        f"{verdict.train_side} It does not rise inside epochs, and all its windows have the same age: a step down as "
        "each window is visited once more, not a sawtooth."
    )
    update: dict[str, object] = {"is_issue": "no", "not_separated": (), "train_side": train_side}
    if verdict.leading is None:
        update |= {"advice": _of_no_picture(paired), "next_experiment": "None is needed."}
    return verdict.model_copy(update=update)


def _of_no_picture(paired: Paired) -> str:
    clause = loss_in_words(paired)
    return f"Nothing rises with the epoch: change nothing for it{', but ' + clause if clause else ''}."


def curves_of_runs(runs: Sequence[RunRecord]) -> CurveSet:
    """Put the curves of runs together, or say that there are none.

    Parameters
    ----------
    runs
        Of one training, one a seed.

    Returns
    -------
    CurveSet
        With at least one curve.

    Raises
    ------
    ModelError
        If there is no run, or none has a curve.
    """
    given = curve_set(runs)
    if not any(given.curves.values()):
        names = ", ".join(run.run_id for run in runs if run.run_id) or "none"
        message = f"There is no curve to judge in these runs ({names}): train at least to the first evaluation."
        raise ModelError(message)
    return given


def evidence_of_runs(runs: Sequence[RunRecord], measured: Measured) -> tuple[Evidence, ...]:
    """Weigh what the instruments recorded beside the curves.

    Parameters
    ----------
    runs
        Of one training, one a seed.
    measured
        Their curves.

    Returns
    -------
    tuple of Evidence
        Nothing that the curves themselves say.
    """
    return (
        *evidence_of_memory(runs, measured),
        *evidence_of_norms(runs),
        *evidence_of_updates(runs),
        *evidence_of_sums(runs),
        *evidence_of_watched(runs),
        *evidence_of_evaluation(runs),
        *evidence_of_gap(runs, measured),
        *evidence_of_quarters(runs),
        *evidence_of_numerics(runs),
        *evidence_of_validation(runs, measured),
    )


def period_of_runs(given: CurveSet) -> str:
    """Say how the epoch's period is known.

    Parameters
    ----------
    given
        Curves of runs.

    Returns
    -------
    str
        A sentence's part.
    """
    one = next(found[0] for found in given.curves.values() if found)
    return f"{one.evaluations_per_epoch} evaluations an epoch, as the runs recorded"
