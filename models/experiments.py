"""The next experiment: the one whose outcome, as each hypothesis predicts it, would tell most.

Expected information is the mutual information of hypothesis and outcome under the present supports. Of those that
tell nearly as much as the best, the cheapest is taken: they are listed by what they cost.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from models.hypotheses import HYPOTHESES, HypothesisId

_NEARLY = 0.85
_ERROR = 0.1
"""Chance that an outcome is not as predicted: curves are noisy, and causes act together."""


@dataclass(frozen=True)
class Experiment:
    """What to do, and under which hypotheses it is expected to say yes."""

    name: str
    instruction: str
    yes_under: frozenset[HypothesisId]


EXPERIMENTS = (
    Experiment(
        "quarters",
        "Compare the parts of an epoch as data: labels, times and a hash of the order by quarter. If they differ, or "
        "the order repeats, it is the data order (H5); if not, it is not.",
        frozenset({"H5"}),
    ),
    Experiment(
        "recount",
        "Write down the sum and the count of every batch and divide once an interval, with the accumulators set to 0 "
        "after each. If the pattern goes, it was the metric (H4).",
        frozenset({"H4"}),
    ),
    Experiment(
        "overlap",
        "Count the validation windows (same user, same items) that are in train too. Any large share is H7.",
        frozenset({"H7"}),
    ),
    Experiment(
        "logits",
        "Compute the cross-entropy from logits in float64 on one batch and compare. If they differ it is H6.",
        frozenset({"H6"}),
    ),
    Experiment(
        "probe",
        "Evaluate a fixed part of the train windows with frozen weights beside every validation. If this probe is "
        "smooth the weights do not swing (not H2, not H3); if it saws they do.",
        frozenset({"H2", "H3"}),
    ),
    Experiment(
        "fixed order",
        "Train once more with one fixed order for all epochs, all else equal. Without a new shuffle there is no "
        "re-exposure: the rise within epochs goes under H1 and H2 (a small step between epochs may stay, for each "
        "window is then visited once more), and all stays under the others.",
        frozenset({"H1", "H2"}),
    ),
    Experiment(
        "sgd",
        "Train once more with SGD and momentum, compared at the same train loss. It has no second moment: the pattern "
        "goes under H2 only.",
        frozenset({"H2"}),
    ),
    Experiment(
        "lower rate",
        "Train once more with a third of the learning rate, constant. Under H3 the pattern goes whole; under the "
        "others it shrinks at most.",
        frozenset({"H3"}),
    ),
    Experiment(
        "seeds",
        "Train with three seeds or more and compare evaluations pairwise on the same validation windows. What is "
        "not there in all is noise (H8).",
        frozenset({"H8"}),
    ),
)


def next_experiment(
    support: Mapping[HypothesisId, float], *, has_probe: bool, done: frozenset[str] = frozenset()
) -> Experiment | None:
    """Choose the experiment that tells most.

    Parameters
    ----------
    support
        Of each hypothesis.
    has_probe
        Whether a frozen probe is there already.
    done
        Names of other experiments that were made.

    Returns
    -------
    Experiment or None
        The best of those that are left, if any.
    """
    possible = [one for one in EXPERIMENTS if one.name not in done and not (has_probe and one.name == "probe")]
    if not possible:
        return None
    told = [information(support, one) for one in possible]
    return next(one for one, much in zip(possible, told, strict=True) if much >= _NEARLY * max(told))


def information(support: Mapping[HypothesisId, float], experiment: Experiment) -> float:
    """Say how much an experiment is expected to tell.

    Parameters
    ----------
    support
        Of each hypothesis; causes not listed have the rest and either outcome alike.
    experiment
        Which.

    Returns
    -------
    float
        Nats, at least 0.
    """
    chance = {name: 1 - _ERROR if name in experiment.yes_under else _ERROR for name in HYPOTHESES}
    other = max(0.0, 1 - sum(support.values()))
    yes = other / 2 + sum(support[name] * chance[name] for name in HYPOTHESES)
    known = other * _entropy(0.5) + sum(support[name] * _entropy(chance[name]) for name in HYPOTHESES)
    return max(0.0, _entropy(yes) - known)


def _entropy(chance: float) -> float:
    return -sum(part * math.log(part) for part in (chance, 1 - chance) if part > 0)
