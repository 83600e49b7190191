"""What the start of an epoch says of the evaluation before it: both see the same windows under the same weights.

A new shuffle begins with a random sample of all train windows. Their running loss, each age up to one epoch counted as
often as at the end of an epoch, is what the frozen probe should have said just before, but for dropout: with it the
probe must be lower. A probe above it was not evaluated as it should be (dropout or batch statistics left on), or the
running loss is not the loss (values cut off).

Legend: E epochs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.curves import CurvePoint
from models.hypotheses import HYPOTHESES, Evidence
from models.run_curves import points_of
from models.run_record import RunRecord

_LEVEL = 0.95
_MATERIAL = 0.02
"""Share of the loss: what improves in an eighth of an epoch, and the chance of which windows the probe holds."""
_FELT = 0.1
"""Dropout from which on a probe without it must be seen to be better than visits with it."""
_TAILS_CUT = 0.8
"""Standard deviation of the running losses, as a share of the probe's, from which on the large ones are cut off."""


@dataclass(frozen=True)
class Gap:
    """The frozen probe at the ends of epochs less what visits under the same weights say."""

    nats: float
    low: float  # 95 % interval over epochs and seeds
    high: float
    loss_nats: float  # of the probe there
    n_ends: int


def evidence_of_evaluation(runs: Sequence[RunRecord]) -> list[Evidence]:
    """Compare the frozen probe with the visits that follow it.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    list of Evidence
        Empty unless it is reshuffled each epoch, and evaluates the weights that it trains.
    """
    gap = evaluation_gap(runs)
    if gap is None:
        return []
    limit = _MATERIAL * abs(gap.loss_nats)
    numbers = f"{gap.nats:+.3g} nats (95 % interval {gap.low:+.3g} to {gap.high:+.3g}, {gap.n_ends} ends of epochs)"
    has_dropout = all(run.config.model.dropout >= _FELT for run in runs)
    is_level = gap.nats > -limit / 4 and gap.low > -limit and gap.high >= 0
    if gap.low > limit:
        return [_above(runs, numbers)]
    if has_dropout and is_level:
        statement = f"training has dropout, but the frozen probe is no better than visits with it: {numbers}"
        return [Evidence(statement, {name: 10 if name == "H4" else 0.3 for name in HYPOTHESES}, proves="H4")]
    if gap.high < limit:
        statement = f"the frozen probe is no worse than visits under the same weights: {numbers}"
        return [Evidence(statement, {"H4": 0.3, "H6": 0.5})]
    return []


def evaluation_gap(runs: Sequence[RunRecord]) -> Gap | None:
    """Measure by how much the probe is above the visits right after it.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    Gap or None
        None without three ends of epochs to compare at.
    """
    pairs = [pair for run in runs if _is_comparable(run) for pair in _pairs(run)]
    if len(pairs) < 3:
        return None
    probe_E, visits_E = np.array(pairs).T
    apart_E = probe_E - visits_E
    half = float(stats.t.ppf((1 + _LEVEL) / 2, len(apart_E) - 1) * apart_E.std(ddof=1)) / math.sqrt(len(apart_E))
    mean = float(apart_E.mean())
    return Gap(mean, mean - half, mean + half, float(probe_E.mean()), len(apart_E))


def _is_comparable(run: RunRecord) -> bool:
    return run.config.order == "reshuffle" and run.config.ema_decay is None


def _above(runs: Sequence[RunRecord], numbers: str) -> Evidence:
    spreads = [spread for run in runs if (spread := _spread(run)) is not None]
    if spreads and float(np.mean(spreads)) < _TAILS_CUT:
        statement = (
            f"the running loss is below the frozen one of the same windows and weights, {numbers}, and spreads less "
            f"({np.mean(spreads):.0%} of it): its large values are cut off"
        )
        return Evidence(statement, {name: 10 if name == "H6" else 0.3 for name in HYPOTHESES}, proves="H6")
    statement = (
        f"the frozen probe is worse than visits under the same weights, {numbers}: evaluation is not done as it should "
        "be, such as with dropout or batch statistics left on"
    )
    return Evidence(statement, {name: 10 if name == "H4" else 0.3 for name in HYPOTHESES}, proves="H4")


def _pairs(run: RunRecord) -> list[tuple[float, float]]:
    """Pair the probe at each end of an epoch with the visits that follow, ages below one epoch weighted alike."""
    ends = {
        round(point.epoch): point.value
        for point in points_of(run, "train_probe", "loss")
        if point.value is not None and abs(point.epoch - round(point.epoch)) < 1e-6
    }
    found = []
    for end, value in ends.items():
        rows = [row for row in run.forgetting if row.epoch == end + 1 and row.phase == 1 and row.loss_count]
        young = [row for row in rows if row.age_low_epochs is not None and row.age_low_epochs < 1 - 1e-9]
        widths = [(row.age_high_epochs or math.inf) - (row.age_low_epochs or 0.0) for row in young]
        if young and math.isclose(sum(widths), 1.0, abs_tol=1e-6):  # every age up to one epoch was met
            mean = sum(width * row.loss_sum / row.loss_count for width, row in zip(widths, young, strict=True))
            found.append((value, mean))
    return found


def _spread(run: RunRecord) -> float | None:
    """Compare the spread of the running loss over windows with the probe's, at the last evaluation."""
    running, probe = (points_of(run, name, "loss") for name in ("train_running", "train_probe"))
    if not running or not probe:
        return None
    seen, frozen = _deviation(running[-1]), _deviation(probe[-1])
    return seen / frozen if seen is not None and frozen else None


def _deviation(point: CurvePoint) -> float | None:
    """Return the standard deviation over windows, read back from the interval of their mean."""
    if point.ci_high is None or point.value is None or point.count < 2:
        return None
    return (point.ci_high - point.value) * math.sqrt(point.count) / 1.96
