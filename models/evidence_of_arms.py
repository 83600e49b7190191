"""What the arms of a study say of each hypothesis: what removed the picture, at the same progress, and what did not.

The weights are the predictions of the hypotheses, said as odds. Replacement and continuous orders repeat each
other, so the second one weighs little; an arm that could not be told says nothing.
"""

from collections.abc import Mapping, Sequence

from models.hypotheses import Evidence, HypothesisId
from models.study import ArmOutcome
from models.verdict import CurveSawtooth

Ratios = Mapping[HypothesisId, float]

_ALIKE = (0.6, 1.6)
"""Times the base's sawtooth within which an arm's counts as the same."""
_LARGER = 1.2
_SEVERAL = 3
# A new random order, fixed or drawn, also mends a broken one: against H5 a fixed order speaks little.
_REMOVED: dict[str, Ratios] = {
    "fixed-order": {"H1": 6, "H2": 3, "H3": 0.3, "H4": 0.2, "H5": 1.5, "H6": 0.5, "H7": 0.5, "H8": 0.3},
    "replacement": {"H1": 5, "H2": 2, "H3": 0.4, "H4": 0.3, "H5": 1.5, "H6": 0.5, "H7": 0.5, "H8": 0.4},
    "continuous": {"H1": 1.5, "H3": 0.8, "H4": 0.8},
    "lr-x0.33": {"H3": 4, "H1": 0.6},
    "sgd-momentum": {"H2": 5, "H1": 0.3, "H4": 0.3, "H5": 0.3},
}
_STAYED: dict[str, Ratios] = {
    "fixed-order": {"H1": 0.1, "H2": 0.3, "H3": 2, "H4": 2, "H5": 1.5},
    "replacement": {"H1": 0.1, "H2": 0.5, "H3": 2, "H4": 2, "H5": 0.5},
    "continuous": {"H1": 0.5, "H4": 1.3},
    "lr-x0.33": {"H3": 0.25},
    "sgd-momentum": {"H2": 0.15},
}


def evidence_of_arms(base: ArmOutcome, arms: Sequence[ArmOutcome]) -> list[Evidence]:
    """Weigh what arms did to the picture.

    Parameters
    ----------
    base
        Its outcome.
    arms
        Those of the others.

    Returns
    -------
    list of Evidence
        Nothing where the base does not saw.
    """
    theirs = train_loss(base.at_matched_progress)
    if theirs is None or theirs.direction == "none":
        return []
    found = [_by_answer(arm, theirs) for arm in arms]
    found += [_reversed(arm, theirs) for arm in arms if arm.name == "reversed-order"]
    found += [_moments(arm, theirs) for arm in arms if arm.name.startswith(("beta2-", "eps-"))]
    found += [_probabilities(arm) for arm in arms if arm.name == "probabilities"]
    found.append(_seeds(base))
    return [piece for piece in found if piece is not None]


def train_loss(rows: Sequence[CurveSawtooth]) -> CurveSawtooth | None:
    """Pick the sawtooth of the running train loss.

    Parameters
    ----------
    rows
        Of an arm.

    Returns
    -------
    CurveSawtooth or None
        None if it was not measured.
    """
    return next((row for row in rows if row.curve == "train_loss"), None)


def experiments_done(arms: Sequence[ArmOutcome]) -> frozenset[str]:
    """Name the experiments whose outcome the arms gave.

    Parameters
    ----------
    arms
        The base first.

    Returns
    -------
    frozenset of str
        Names of `models.experiments`.
    """
    names = {"fixed-order": "fixed order", "sgd-momentum": "sgd", "lr-x0.33": "lower rate"}
    told = {names[arm.name] for arm in arms if arm.name in names and arm.removes_picture in {"yes", "no"}}
    return frozenset(told | ({"seeds"} if len(arms[0].seeds) >= _SEVERAL else set()))


def _by_answer(arm: ArmOutcome, theirs: CurveSawtooth) -> Evidence | None:
    mine = train_loss(arm.at_matched_progress)
    if mine is None:
        return None
    numbers = f"{_said(mine)} against {_said(theirs)} at matched progress"
    if arm.removes_picture == "yes" and arm.name in _REMOVED:
        return Evidence(f"arm {arm.name}: the picture goes, {numbers}", _REMOVED[arm.name])
    if arm.removes_picture == "no" and arm.name in _STAYED:
        return Evidence(f"arm {arm.name}: the picture stays, {numbers}", _STAYED[arm.name])
    return None


def _reversed(arm: ArmOutcome, theirs: CurveSawtooth) -> Evidence | None:
    """See whether what was seen last, visited first, makes it larger: so says memory, and nothing else does."""
    mine = train_loss(arm.at_matched_progress)
    times = _times(mine, theirs)
    if mine is None or times is None:
        return None
    numbers = f"{_said(mine)} against {_said(theirs)}"
    if times[0] > _LARGER:
        return Evidence(f"arm {arm.name}: larger, {numbers}", {"H1": 4, "H2": 1.5, "H4": 0.5, "H5": 0.5})
    if times[1] < 1:
        return Evidence(f"arm {arm.name}: smaller, {numbers}", {"H1": 0.3})
    return None


def _moments(arm: ArmOutcome, theirs: CurveSawtooth) -> Evidence | None:
    mine = train_loss(arm.at_matched_progress)
    times = _times(mine, theirs)
    if mine is None or times is None:
        return None
    numbers = f"{_said(mine)} against {_said(theirs)} at matched progress"
    if _ALIKE[0] < times[0] and times[1] < _ALIKE[1]:
        return Evidence(f"arm {arm.name}: the same picture, {numbers}", {"H2": 0.4})
    if times[1] < _ALIKE[0] or times[0] > _ALIKE[1]:
        return Evidence(f"arm {arm.name}: another picture, {numbers}", {"H2": 2.5})
    return None


def _probabilities(arm: ArmOutcome) -> Evidence | None:
    """See whether this fault, put in on purpose, shows: then the base has not got it."""
    one = arm.difference
    if one is None or one.high is None or one.high >= 0:
        return None
    return Evidence(f"arm {arm.name}: it costs {-100 * one.value:.2f} points of the best hit ratio", {"H6": 0.5})


def _seeds(base: ArmOutcome) -> Evidence | None:
    row = train_loss(base.sawtooth)
    if row is None or row.over != "seeds" or row.direction == "none":
        return None
    return Evidence(f"{len(base.seeds)} seeds show it alike: {_said(row)}", {"H8": 0.2})


def _times(mine: CurveSawtooth | None, theirs: CurveSawtooth) -> tuple[float, float] | None:
    if mine is None or mine.low is None or mine.high is None or theirs.excess == 0:
        return None
    low, high = sorted((mine.low / theirs.excess, mine.high / theirs.excess))
    return low, high


def _said(row: CurveSawtooth) -> str:
    interval = "no interval" if row.low is None else f"{row.low:+.3g} to {row.high:+.3g}"
    return f"{row.excess:+.3g} ({interval})"
