"""What the pattern itself says of each hypothesis: which curves saw, in which direction, and since when.

The weights are the predictions of the hypotheses, said as odds. Each rule is one observation, and answers None
where the curves do not hold it.
"""

from collections.abc import Callable

import numpy as np

from models.curve_facts import first_curve, jumps_grow
from models.curve_set import Measured, Role, Side, role_of
from models.hypotheses import Evidence, HypothesisId
from models.sawtooth import Sawtooth
from models.within_epochs import first_epoch_ramp, left_when_undone, slopes_within

Ratios = dict[HypothesisId, float]
Rule = Callable[[Measured], Evidence | None]

_A_PART = 0.3
"""Share of the train jump from which on another curve counts as sharing it."""
_ENOUGH_JUMPS = 8
"""From which on growth with the epochs would have been seen."""


def said(one: Sawtooth) -> str:
    """Put a sawtooth in words.

    Parameters
    ----------
    one
        Measured.

    Returns
    -------
    str
        Its excess with the interval.
    """
    if one.low is None or one.high is None:
        return f"{one.excess:+.4g} at its one boundary (no interval)"
    return f"{one.excess:+.4g} at the boundary (95 % interval {one.low:+.4g} to {one.high:+.4g})"


def shown(measured: Measured, side: Side) -> str:
    """Put a side's sawtooths in words.

    Parameters
    ----------
    measured
        The curves.
    side
        Which.

    Returns
    -------
    str
        One clause a metric.
    """
    names: dict[str, Role] = {"loss": role_of(side, "loss"), "hit ratio": role_of(side, "hr")}
    clauses = [f"{name} {said(measured.sawtooth[role])}" for name, role in names.items() if role in measured.sawtooth]
    return ", ".join(clauses)


def _train(measured: Measured) -> Evidence | None:
    tilt = measured.tilt("train")
    ratios: dict[str, Ratios] = {
        "better": {"H1": 5, "H2": 5, "H3": 3, "H4": 4, "H5": 3, "H6": 0.5, "H7": 0.5, "H8": 0.1},
        "worse": {"H1": 0.1, "H2": 0.2, "H3": 2, "H4": 2, "H5": 4, "H6": 0.5, "H7": 0.5, "H8": 0.1},
        "none": {"H1": 0.2, "H2": 0.2, "H3": 0.5, "H4": 0.3, "H5": 0.3, "H6": 0.5},
    }
    words = {"better": "jumps for the better", "worse": "jumps for the worse", "none": "does not clearly saw"}
    if tilt is None:
        return None
    return Evidence(f"running train curve {words[tilt]}: {shown(measured, 'train')}", ratios[tilt])


def _probe(measured: Measured) -> Evidence | None:
    """Look at frozen weights on fixed windows: what they show is in the weights, what they do not show is not."""
    part = measured.part_of_train("probe")
    if part is None:
        return None
    low, high = part
    numbers = f"{low:.0%} to {high:.0%} of the train jump ({shown(measured, 'probe')})"
    if low > _A_PART:
        statement = f"the frozen probe saws too, so the weights swing: {numbers}"
        return Evidence(statement, {"H1": 0.1, "H2": 3, "H3": 4, "H4": 0.1, "H5": 0.7, "H8": 0.2})
    if low > -_A_PART and high < _A_PART:
        statement = f"the frozen probe does not saw, so what saws is not the weights: {numbers}"
        return Evidence(statement, {"H1": 4, "H2": 0.15, "H3": 0.1, "H4": 4, "H5": 4})
    if high < -_A_PART:
        statement = f"the frozen probe jumps the other way: {numbers}"
        return Evidence(statement, {"H1": 3, "H2": 0.3, "H3": 1, "H4": 1, "H5": 3})
    return None


def _validation(measured: Measured) -> Evidence | None:
    tilt, part = measured.tilt("validation"), measured.part_of_train("validation")
    if tilt is None:
        return None
    what = shown(measured, "validation")
    if tilt == "none":
        return Evidence(f"validation does not clearly saw: {what}", {"H3": 0.7, "H7": 0.2})
    if part is None:
        ratios: Ratios = {"H1": 0.5, "H2": 0.7, "H3": 2, "H4": 1.5, "H7": 0.5, "H8": 0.2}
        return Evidence(f"validation jumps for the {tilt}, train is not seen to: {what}", ratios)
    if tilt == measured.tilt("train"):
        ratios = {"H1": 0.15, "H3": 1.5, "H5": 0.5, "H7": 8} if max(part) > _A_PART else {"H7": 0.5}
        return Evidence(f"validation jumps the same way as train: {what}", ratios)
    ratios = {"H1": 3, "H2": 1.5, "H3": 2, "H4": 0.3, "H5": 2.5, "H7": 0.1, "H8": 0.3}
    return Evidence(f"validation jumps against train: {what}", ratios)


def _within(measured: Measured) -> Evidence | None:
    """Look how train moves within epochs: a loss that rises there is not a mean that only lags."""
    one = first_curve(measured.given, "train_loss")
    if one is None or measured.tilt("train") != "better":
        return None
    slopes = slopes_within(one)[1:]
    slopes = slopes[np.isfinite(slopes)]
    if len(slopes) < 2:
        return None
    n_up = int((slopes > 0).sum())
    if n_up == len(slopes):
        statement = f"train loss rises within each of {n_up} later epochs, mean {slopes.mean():+.3g} an epoch"
        return Evidence(statement, {"H1": 1.5, "H2": 1.5, "H4": 0.4, "H5": 1.2})
    if n_up == 0:
        statement = f"train loss falls within each of {len(slopes)} later epochs and jumps between them"
        return Evidence(statement, {"H1": 0.8, "H2": 0.7, "H4": 1.5, "H5": 0.8})
    return None


def _undone(measured: Measured) -> Evidence | None:
    one = first_curve(measured.given, "train_loss", "train_hr")
    left = left_when_undone(one) if one is not None else None
    if left is None:
        return None
    if left.times < 0.35:
        statement = (
            f"undone as a mean since the start of its epoch, the train curve keeps {left.times:.0%} of its jumps"
        )
        # Memory by the number of visits steps down so too, where an order is fixed and all windows have as many.
        return Evidence(statement, {"H1": 2, "H2": 0.3, "H3": 0.4, "H4": 6, "H5": 0.4})
    if left.times < 0.7 or measured.tilt("train") in {None, "none"}:
        return None
    return Evidence("the jump is not that of a mean since the start of the epoch: undoing one leaves it", {"H4": 0.6})


def _growing(measured: Measured) -> Evidence | None:
    """Memory grows with the visits; the data of an epoch do not change."""
    role: Role = "train_loss" if "train_loss" in measured.sawtooth else "train_hr"
    if role not in measured.sawtooth or measured.tilt("train") in {None, "none"}:
        return None
    tau = jumps_grow(measured, role)
    if tau is None or tau < 0:
        return None
    if tau > 0:
        statement = f"the train jump grows with the epochs (Kendall's tau {tau:.2f})"
        return Evidence(statement, {"H1": 1.5, "H2": 1.2, "H3": 1.2, "H4": 0.7, "H5": 0.6})
    if len(measured.sawtooth[role].jumps) < _ENOUGH_JUMPS:
        return None
    return Evidence("the train jump does not grow with the epochs", {"H1": 0.7, "H3": 0.8, "H4": 1.1, "H5": 1.4})


def _first_epoch(measured: Measured) -> Evidence | None:
    train, validation = first_curve(measured.given, "train_loss"), first_curve(measured.given, "validation_loss")
    if train is None or validation is None or measured.tilt("train") in {None, "none"}:
        return None
    ramp = first_epoch_ramp(train, validation)
    if ramp is None:
        return None
    numbers = f"{ramp.value:.3g} against {ramp.base:.3g} an epoch"
    if ramp.times < 0.4:
        statement = f"the ramp of train less validation loss is not there in epoch 1, as without memory: {numbers}"
        return Evidence(statement, {"H1": 3, "H2": 1.5, "H4": 0.5, "H5": 0.25})
    statement = (
        f"the ramp of train less validation loss is there in epoch 1 already, before any second visit: {numbers}"
    )
    return Evidence(statement, {"H1": 0.2, "H2": 0.5, "H4": 1.5, "H5": 4}) if ramp.times > 0.7 else None


PATTERN_RULES: tuple[Rule, ...] = (
    _train,
    _probe,
    _validation,
    _within,
    _undone,
    _growing,
    _first_epoch,
)
