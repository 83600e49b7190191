"""The hypotheses of why curves saw, and how evidence is weighed between them.

A piece of evidence says how many times more probable it is under each hypothesis than under a cause that is
not listed (1). Supports are what Bayes' rule makes of their product from equal beginnings; they sum to 1 with
the share of the causes not listed. Weights of one step of an argument stay between 1/10 and 10, so that no single
curve decides.

Re-exposure goes on beside any fault, so a pattern that speaks for it does not speak against the fault. A fault that is
proven, such as sums that do not add up, therefore explains first: the evidence for the others counts for nothing until
it is mended.

Nothing here prefers a hypothesis: each is worth what the evidence gives it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

HypothesisId = Literal["H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8"]
HYPOTHESES: tuple[HypothesisId, ...] = get_args(HypothesisId)

NAMES: dict[HypothesisId, str] = {
    "H1": "re-exposure: what was visited last is remembered best, and a new shuffle visits it first",
    "H2": "Adam's second moment: the size of the updates has the epoch's period",
    "H3": "learning rate too high, or restarted with the epoch: the weights themselves swing",
    "H4": "metric artefact: what is averaged, not what is learnt, has the epoch's period",
    "H5": "data order: parts of the epoch hold different data, again and again",
    "H6": "numerics: the loss is computed from probabilities and loses its large values",
    "H7": "train and validation overlap: validation repeats what train does",
    "H8": "noise: the pattern is within what chance makes of so few samples",
}

LEADS_FROM = 0.5
"""Support that a leading hypothesis has at least."""
_PROVEN, _UNPROVEN = 10.0, 0.1
"""Weights of a proven fault, at least, and of the others beside it, at most."""
SEPARATED_FROM = 5.0
"""Times as probable as another hypothesis from which on the two count as told apart."""


@dataclass(frozen=True)
class Evidence:
    """One observation and what it says of each hypothesis."""

    statement: str  # for people, with its numbers
    ratios: Mapping[HypothesisId, float]  # above 1 for, below 1 against; not named: 1
    proves: HypothesisId | None = None  # a fault that was counted, not inferred from a pattern


def supports(evidence: Sequence[Evidence]) -> dict[HypothesisId, float]:
    """Weigh evidence.

    Parameters
    ----------
    evidence
        Observations that do not repeat each other.

    Returns
    -------
    dict
        From hypothesis to support, 0 to 1; what is missing to a sum of 1 is for causes not listed.
    """
    weights = dict.fromkeys(HYPOTHESES, 1.0)
    for piece in evidence:
        for name, ratio in piece.ratios.items():
            weights[name] *= ratio
    proven = {piece.proves for piece in evidence if piece.proves}
    if proven:
        weights = {
            name: max(_PROVEN, weight) if name in proven else min(_UNPROVEN, weight) for name, weight in weights.items()
        }
    total = 1.0 + sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def leading(support: Mapping[HypothesisId, float]) -> HypothesisId | None:
    """Name the hypothesis that evidence is clear about.

    Parameters
    ----------
    support
        Of all.

    Returns
    -------
    str or None
        None unless it has at least 0.5 and every other is told apart from it.
    """
    first, second = sorted(support, key=lambda name: -support[name])[:2]
    is_clear = support[first] >= LEADS_FROM and support[first] >= SEPARATED_FROM * support[second]
    return first if is_clear else None


def not_separated(support: Mapping[HypothesisId, float]) -> tuple[HypothesisId, ...]:
    """List the hypotheses that the evidence cannot tell from the best one.

    Parameters
    ----------
    support
        Of all.

    Returns
    -------
    tuple of str
        With the best one, the most supported first; empty if the best stands alone.
    """
    best = max(support.values())
    near = [name for name in HYPOTHESES if support[name] * SEPARATED_FROM > best]
    return tuple(sorted(near, key=lambda name: -support[name])) if len(near) > 1 else ()
