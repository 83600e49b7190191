"""The two sides of a verdict in words: what train does between epochs, and what validation does."""

from models.curve_facts import first_curve, rise_from_best
from models.curve_set import Measured
from models.evidence_of_pattern import shown

_RISES = 1.01
"""Times its best epoch from which on a loss counts as rising again."""


def train_side(measured: Measured) -> str:
    """Say what the running train curve does, and the same weights frozen.

    Parameters
    ----------
    measured
        The curves.

    Returns
    -------
    str
        Sentences.
    """
    tilt, probe = measured.tilt("train"), measured.tilt("probe")
    if tilt is None:
        return "No running train curve with two evaluations an epoch was given."
    if tilt == "none":
        return f"The running train curve does not clearly saw ({shown(measured, 'train')})."
    text = f"The running train curve jumps for the {tilt} between epochs ({shown(measured, 'train')})."
    if probe is None:
        return f"{text} Without a frozen probe the curves do not say whether the weights or the average swing."
    if probe == "none":
        return f"{text} The same weights, frozen, do not saw: it is the average that swings."
    return f"{text} The frozen probe jumps for the {probe} ({shown(measured, 'probe')})."


def validation_side(measured: Measured) -> str:
    """Say what validation does between epochs and towards the end.

    Parameters
    ----------
    measured
        The curves.

    Returns
    -------
    str
        Sentences.
    """
    tilt = measured.tilt("validation")
    rise = overfit(measured)
    if tilt is None:
        text = "No validation curve with two evaluations an epoch was given."
    elif tilt == "none":
        text = f"Validation does not clearly saw ({shown(measured, 'validation')})."
    else:
        text = f"Validation jumps for the {tilt} between epochs ({shown(measured, 'validation')})."
    return f"{text} {rise}" if rise else text


def overfit(measured: Measured) -> str:
    """Say whether the validation loss leaves its best epoch behind.

    Parameters
    ----------
    measured
        The curves.

    Returns
    -------
    str
        A sentence, empty if not.
    """
    one = first_curve(measured.given, "validation_loss")
    train = first_curve(measured.given, "probe_loss", "train_loss")
    rise = rise_from_best(one) if one is not None else None
    if rise is None or rise.times < _RISES:
        return ""
    with_train = rise_from_best(train) if train is not None else None
    cause = "as train does: divergence" if with_train and with_train.times >= _RISES else "overfitting, whatever saws"
    return f"Its loss rises from {rise.base:.4g} in its best epoch to {rise.value:.4g} in the last, {cause}."
