"""What visits to a random sample say of the frozen probe: both see the same windows under the same weights.

A new shuffle begins with a random sample of all train windows. Their running loss, each age up to one epoch counted as
often as at the end of an epoch, is what the frozen probe should have said just before. With replacement every visit
is such a sample, and the running loss of a phase is what the probe should say in its middle. So it is but for dropout:
with it the probe must be lower. A probe above it was not evaluated as it should be (dropout or batch statistics left
on), or the running loss is not the loss (values cut off).

Legend: E epochs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from models.curves import CurvePoint
from models.evidence_of_gap import gap_table
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
_ERRORS = 2.0
"""Standard errors of the probe that are taken off before it counts as apart: it holds some of the windows only."""


@dataclass(frozen=True)
class Gap:
    """The frozen probe less what visits under the same weights say."""

    nats: float
    low: float  # 95 % interval over epochs and seeds
    high: float
    loss_nats: float  # of the probe there
    n_pairs: int
    probe_error: float  # standard error of which windows the probe holds, nats; 0 where unknown


def evidence_of_evaluation(runs: Sequence[RunRecord]) -> list[Evidence]:
    """Compare the frozen probe with the visits that follow it.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    list of Evidence
        Empty unless it is reshuffled each epoch or drawn with replacement, and evaluates the weights that it trains.
    """
    gap = evaluation_gap(runs)
    if gap is None:
        return []
    limit = _MATERIAL * abs(gap.loss_nats)
    numbers = f"{gap.nats:+.3g} nats (95 % interval {gap.low:+.3g} to {gap.high:+.3g}, {gap.n_pairs} comparisons)"
    has_dropout = all(run.config.model.dropout >= _FELT for run in runs)
    margin = _ERRORS * gap.probe_error
    is_level = gap.nats > -limit / 4 and gap.low - margin > -2 * limit and gap.high + margin >= 0
    if gap.low - margin > limit:
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
        None without three moments to compare at: ends of epochs, or phases after the first epoch under replacement.
    """
    pairs = [pair for run in runs if _is_comparable(run) for pair in _pairs(run)]
    if len(pairs) < 3:
        return None
    probe_E, visits_E = np.array(pairs).T
    apart_E = probe_E - visits_E
    half = float(scipy.stats.t.ppf((1 + _LEVEL) / 2, len(apart_E) - 1) * apart_E.std(ddof=1)) / math.sqrt(len(apart_E))
    mean = float(apart_E.mean())
    errors = [_probe_error(run) for run in runs]
    return Gap(mean, mean - half, mean + half, float(probe_E.mean()), len(apart_E), max(errors))


def _is_comparable(run: RunRecord) -> bool:
    return run.config.order in {"reshuffle", "replacement"} and run.config.ema_decay is None


def _probe_error(run: RunRecord) -> float:
    points = points_of(run, "train_probe", "loss")
    deviation = _deviation(points[-1]) if points else None
    return 0.0 if deviation is None else deviation / math.sqrt(points[-1].count)


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
    return _at_starts(run) if run.config.order == "reshuffle" else _in_phases(run)


def _in_phases(run: RunRecord) -> list[tuple[float, float]]:
    """Pair the probe in the middle of each phase with the visits of that phase."""
    table = gap_table(run)
    if table is None:
        return []
    return list(zip(table.probe_EP.ravel().tolist(), (table.probe_EP + table.gap_EP).ravel().tolist(), strict=True))


def _at_starts(run: RunRecord) -> list[tuple[float, float]]:
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
