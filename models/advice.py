"""What to do, in a few short sentences that agree with what was measured: the cause, validation, which weights."""

from models.curve_set import Measured
from models.curve_sides import overfit
from models.dips import NOT_PAIRED, Paired
from models.hypotheses import HypothesisId
from models.verdict import Issue

_CAUSES: dict[HypothesisId, str] = {
    "H1": "Leave the shuffle as it is, and judge training by a frozen probe and by validation, not by the running "
    "curve.",
    "H2": "Try another beta2 or a larger eps, or an optimizer without a second moment, at the same train loss, and see "
    "that its state lives as long as the training.",
    "H3": "Lower the learning rate or let it decay without restarts; clip gradients if their norms spike.",
    "H4": "Mend the metric: sums and counts since the last evaluation, divided once, over the same windows, and "
    "evaluation mode in evaluations only.",
    "H5": "Mend the order: a full shuffle anew each epoch, or a buffer as large as the data are sorted in runs.",
    "H6": "Compute the cross-entropy from logits.",
    "H7": "Remove from train what validation holds, and cut by time or by user.",
    "H8": "Change nothing for this: take more validation windows or seeds before reading such moves.",
}
_REMEDIES = "lower or decay the learning rate, or average the weights"


def cause_advice(first: HypothesisId | None, is_issue: Issue) -> str:
    """Say what to do about the cause.

    Parameters
    ----------
    first
        The leading hypothesis, if any.
    is_issue
        Whether something is wrong.

    Returns
    -------
    str
        A sentence.
    """
    if first is not None:
        return _CAUSES[first]
    if is_issue == "no":
        return "Nothing saws with the epoch: change nothing for it."
    return "Change nothing yet: run the next experiment first."


def advice_of_curves(
    measured: Measured,
    first: HypothesisId | None,
    is_issue: Issue,
    paired: Paired = NOT_PAIRED,
) -> str:
    """Say what to do after one training.

    Parameters
    ----------
    measured
        Its curves.
    first
        The leading hypothesis, if any.
    is_issue
        Whether something is wrong.
    paired
        What validation does between epochs, window by window; where it was not measured, the curves say.

    Returns
    -------
    str
        At most three sentences.
    """
    keep = "Keep the weights of the best validation epoch." if overfit(measured) else ""
    parts = (cause_advice(first, is_issue), _validation(measured, first, paired), keep)
    return " ".join(part for part in parts if part)


def loss_in_words(paired: Paired) -> str:
    """Say that the validation loss steps where the hit ratio does not.

    Parameters
    ----------
    paired
        With both; see `Paired.is_loss_alone`.

    Returns
    -------
    str
        A clause with its consequence, empty where it is not so.
    """
    if paired.loss is None or not paired.is_loss_alone:
        return ""
    told = "by less than can be seen" if paired.is_issue == "no" else "by no more than chance"
    return (
        f"the validation loss steps by {paired.loss.difference:+.2g} nats between epochs, the hit ratio {told}: read "
        "the loss at the ends of epochs, in early stopping too"
    )


def _validation(measured: Measured, first: HypothesisId | None, paired: Paired) -> str:
    told = paired.is_issue
    if told is None:
        is_worse = measured.tilt("validation") == "worse"
        return "Compare models at the ends of epochs, where validation is best." if is_worse else ""
    if told == "yes":
        remedy = f"{_REMEDIES}, and until then " if first in {"H1", "H2"} else ""
        return f"The validation hit ratio dips between epochs: {remedy}compare models at the ends of epochs."
    clause = loss_in_words(paired)
    if clause:
        return f"{clause[0].upper()}{clause[1:]}."
    is_whole = first == "H1" and told == "no"
    return "The validation hit ratio does not dip with it: there is nothing to remedy." if is_whole else ""
