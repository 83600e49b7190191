"""What ages say of re-exposure: whether the loss rises with them, and how much of the picture they explain."""

from collections.abc import Sequence

import numpy as np

from models.curve_set import Measured
from models.evidence_of_pattern import Ratios
from models.explained_by_age import age_spread, explained_share, rise_with_age
from models.forgetting_prediction import Explained
from models.hypotheses import Evidence
from models.run_record import RunRecord
from models.within_epochs import slopes_within

_MOST, _SOME, _LITTLE = 0.6, 0.3, 0.2
"""Shares explained: nearly all that sampling leaves, a part, hardly any."""
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
    share = explained_share(runs)
    return [] if share is None else [_shared(share, rise_with_age(runs))]


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
    if _rises_inside(measured):
        statement = f"{alike}, and yet the running loss rises inside epochs"
        return [Evidence(statement, {"H1": 0.1, "H2": 1.5, "H5": 2})]
    steps = "the running loss steps between epochs and does not rise inside them: each window is visited once more"
    return [
        Evidence(f"{alike}: nothing is visited sooner than the rest", {"H1": 0.1}),
        Evidence(f"{steps}, and that is no sawtooth", {"H1": 0.1, "H2": 0.1, "H3": 0.3, "H4": 0.2, "H5": 0.2}),
    ]


def _rises_inside(measured: Measured) -> bool:
    """Return whether the running loss rises inside most epochs after the first."""
    slopes = np.concatenate([slopes_within(one)[1:] for one in measured.given.curves["train_loss"]])
    known = slopes[np.isfinite(slopes)]
    return len(known) > 0 and float((known > 0).mean()) > 0.5


def _shared(share: Explained, rise: float | None) -> Evidence:
    interval = "" if share.low is None else f" (95 % interval {share.low:.0%} to {share.high:.0%})"
    slope = "" if rise is None else f"; a window's loss rises by {rise:.2g} nats an epoch since its last visit"
    numbers = f"{share.share:.0%} of the pattern inside epochs{interval}{slope}"
    sure_low = share.share if share.low is None else share.low
    if share.share > _MOST and sure_low > _SOME:
        statement = f"the ages of the windows alone predict the running loss, without looking at the place: {numbers}"
        return Evidence(statement, {"H1": 8, "H2": 0.5, "H3": 0.5, "H4": 0.5, "H5": 0.3, "H8": 0.3})
    if share.share < _LITTLE:
        statement = f"the ages of the windows do not explain the running loss: {numbers}"
        return Evidence(statement, {"H1": 0.15, "H2": 1.5, "H4": 1.5, "H5": 1.5})
    is_sure = sure_low > 0 and share.share > _SOME
    ratios: Ratios = {"H1": 3, "H2": 0.8, "H4": 0.8, "H5": 0.6} if is_sure else {"H1": 1.3}
    return Evidence(f"the ages of the windows explain a part of the running loss: {numbers}", ratios)
