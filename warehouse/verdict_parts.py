"""A verdict as its section of a report needs it."""

import math
from collections.abc import Mapping
from typing import Any


def for_page(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verdict whose evidence says how strong it is, for or against: the distance of its odds from even."""
    return {**verdict, "hypotheses": [{**one, "evidence": _weighed(one["evidence"])} for one in verdict["hypotheses"]]}


def _weighed(evidence: list[dict[str, Any]]) -> list[dict[str, Any]]:
    told = [piece for piece in evidence if piece["ratio"] != 1]
    return [{**piece, "weight": abs(math.log(piece["ratio"])) if piece["ratio"] > 0 else math.inf} for piece in told]
