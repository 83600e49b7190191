"""What ages say of re-exposure: whether the loss rises with them, and how much of the picture they explain.

Beside them, without any fitted curve: whether the running loss enters each epoch where the frozen probe is.
"""

from collections.abc import Sequence

import numpy as np

from models.curve_set import Measured
from models.entry_level import EntryShare, entry_share
from models.explained_by_age import age_spread, explained_share, least_explained_share, rise_with_age
from models.forgetting_prediction import Explained
from models.hypotheses import Evidence
from models.run_record import RunRecord
from models.within_epochs import slopes_within

_MOST, _SOME, _LITTLE = 0.6, 0.3, 0.2
"""Shares explained: nearly all that sampling leaves, a part, hardly any."""
_WHOLE, _NOT_WHOLE = (0.7, 1.4), (0.5, 2.0)
"""Shares of the jump that the probe predicts: an interval inside the first is all of it, outside the second not."""
_A_PART = 0.3
"""Share of the train jump from which on the probe jumps itself."""
_SAME_AGE = 0.05
"""Epochs between the mean ages of phases below which ages predict nothing."""


def evidence_of_memory(runs: Sequence[RunRecord], measured: Measured) -> list[Evidence]:
    """Compare the running train loss with what forgetting predicts of it.

    Parameters
    ----------
    runs
        Of one training.
    measured
        Their curves: without a picture there is nothing to explain.

    Returns
    -------
    list of Evidence
        Empty where the run has no ages, or does not saw.
    """
    if measured.tilt("train") in {None, "none"}:
        return []
    spread = age_spread(runs)
    if spread is not None and spread < _SAME_AGE:
        return _ageless(measured, spread)
    share, entry = explained_share(runs), entry_share(runs)
    found = [] if share is None else _shared(share, least_explained_share(runs), rise_with_age(runs))
    part = measured.part_of_train("probe")
    is_swinging = part is not None and part[0] > _A_PART  # then it says where the weights jump, not what is visited
    return found if entry is None or is_swinging else [*found, *_entered(entry)]


def is_staircase(runs: Sequence[RunRecord], measured: Measured) -> bool:
    """Say whether the running loss steps down between epochs without ages that differ, and does not rise inside them.

    Parameters
    ----------
    runs
        Of one training.
    measured
        Their curves.

    Returns
    -------
    bool
        As of a fixed order: each window is then visited once more, and nothing is remembered better than the rest.
    """
    spread = age_spread(runs)
    is_better = measured.tilt("train") == "better"
    return is_better and spread is not None and spread < _SAME_AGE and not _rises_inside(measured)


def _ageless(measured: Measured, spread: float) -> list[Evidence]:
    """Weigh a picture without ages: a step down between epochs may stay, for each window is visited once more."""
    alike = f"all parts of an epoch have windows of the same age (within {spread:.2g} epochs)"
    if measured.tilt("train") == "worse":
        statement = f"{alike}, and yet the running loss steps up between epochs"
        return [Evidence(statement, {"H1": 0.1, "H2": 1.5, "H4": 2, "H5": 2})]
    if _rises_inside(measured):
        statement = f"{alike}, and yet the running loss rises inside epochs"
        return [Evidence(statement, {"H1": 0.1, "H2": 1.5, "H5": 2})]
    steps = "the running loss steps between epochs and does not rise inside them: each window is visited once more"
    return [
        Evidence(f"{alike}: nothing is visited sooner than the rest", {"H1": 0.1}),
        # For noise it undoes what the jump of the train curve said: such a step leaves no picture to explain.
        Evidence(
            f"{steps}, and that is no sawtooth", {"H1": 0.1, "H2": 0.1, "H3": 0.3, "H4": 0.2, "H5": 0.2, "H8": 10}
        ),
    ]


def _rises_inside(measured: Measured) -> bool:
    """Return whether the running loss rises inside most epochs after the first."""
    slopes = np.concatenate([slopes_within(one)[1:] for one in measured.given.curves["train_loss"]])
    known = slopes[np.isfinite(slopes)]
    return len(known) > 0 and float((known > 0).mean()) > 0.5


def _shared(share: Explained, least: Explained | None, rise: float | None) -> list[Evidence]:
    """Weigh the share explained, and the one beside the probe's slope where training still learns fast."""
    slope = "" if rise is None else f"; a window's loss rises by {rise:.2g} nats an epoch since its last visit"
    beside = "" if least is None else f", {least.share:.0%} at least"
    numbers = f"{share.share:.0%} of the pattern inside epochs{_interval(share)}{beside}{slope}"
    if share.share > _MOST and _low(share) > _SOME:
        statement = f"the ages of the windows alone predict the running loss, without looking at the place: {numbers}"
        return [Evidence(statement, {"H1": 8, "H2": 0.5, "H3": 0.5, "H4": 0.5, "H5": 0.3, "H8": 0.3})]
    if any(one is not None and one.share > _SOME and _low(one) > 0 for one in (share, least)):
        statement = f"the ages of the windows explain a part of the running loss: {numbers}"
        return [Evidence(statement, {"H1": 3, "H2": 0.8, "H4": 0.8, "H5": 0.6})]
    if all(one is None or (one.share < _LITTLE and _high(one) < _MOST) for one in (share, least)):
        statement = f"the ages of the windows do not explain the running loss: {numbers}"
        return [Evidence(statement, {"H1": 0.15, "H2": 1.5, "H4": 1.5, "H5": 1.5})]
    return []


def _interval(share: Explained) -> str:
    return "" if share.low is None else f" (95 % interval {share.low:.0%} to {share.high:.0%})"


def _low(share: Explained) -> float:
    return share.share if share.low is None else share.low


def _high(share: Explained) -> float:
    return share.share if share.high is None else share.high


def _entered(entry: EntryShare) -> list[Evidence]:
    """Weigh where the running loss enters an epoch: a random sample of all windows has the probe's loss."""
    if entry.low is None or entry.high is None:
        return []
    numbers = (
        f"{entry.share:.2f} of the jump (95 % interval {entry.low:.2f} to {entry.high:.2f}, "
        f"{entry.n_boundaries} ends of epochs)"
    )
    if _WHOLE[0] < entry.low and entry.high < _WHOLE[1]:
        statement = f"the running loss enters each epoch at the level of the frozen probe, which predicts {numbers}"
        return [Evidence(statement, {"H1": 5, "H2": 0.5, "H4": 0.4, "H5": 0.3})]
    if entry.high < _NOT_WHOLE[0] or entry.low > _NOT_WHOLE[1]:
        statement = f"the running loss does not enter epochs at the level of the frozen probe, which predicts {numbers}"
        return [Evidence(statement, {"H1": 0.3})]
    return []
