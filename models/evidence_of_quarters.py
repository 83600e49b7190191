"""What the data of the parts of an epoch say: whether they differ in the same way in every epoch, and order repeats.

Legend: E epochs, P phases.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from models.curves import QuarterRecord
from models.hypotheses import HYPOTHESES, Evidence
from models.run_record import RunRecord

_UNIFORM_SD = math.sqrt(1 / 12)
_SURE = 5.0
"""Standard errors from which on a mean is not chance's: many means are looked at."""
_LARGE, _SMALL = 0.5, 0.1
"""Standard deviations of all data by which a part of the epoch differs: a shuffle that does not, and a slight one."""
_LEVEL = 1e-4
_SAME_SIZE = 0.02
"""Phases of about as many windows: an entropy depends on their number."""
_ALWAYS_NEW = frozenset({"reshuffle", "replacement", "continuous", "buffer"})


@dataclass(frozen=True)
class _Apart:
    """How far the parts of an epoch differ."""

    what: str
    effect: float  # largest distance of a phase's mean from the whole's, in standard deviations of the whole
    errors: float  # the same in standard errors


def evidence_of_quarters(runs: Sequence[RunRecord]) -> list[Evidence]:
    """Compare the parts of epochs as data, whatever the model.

    Parameters
    ----------
    runs
        Of one training; the first with two whole epochs of records speaks.

    Returns
    -------
    list of Evidence
        Empty where there are not enough records.
    """
    for run in runs:
        rows = _by_phase(run.quarters)
        if len(rows) > 1 and min(len(each) for each in rows.values()) > 1:
            found = (_repeated(run), _different(rows))
            return [piece for piece in found if piece is not None]
    return []


def _by_phase(quarters: Sequence[QuarterRecord]) -> dict[int, list[QuarterRecord]]:
    found: dict[int, list[QuarterRecord]] = defaultdict(list)
    for record in quarters:
        found[record.phase].append(record)
    return dict(found)


def _repeated(run: RunRecord) -> Evidence | None:
    """See whether an order that should be new comes again; a fixed one repeats by design."""
    hashes = [record.order_hash for record in run.quarters]
    n_again = len(hashes) - len(set(hashes))
    if run.config.order not in _ALWAYS_NEW:
        return None
    if n_again == 0:
        return Evidence("no part of an epoch is visited in an order that was there before", {"H5": 0.2})
    statement = f"order {run.config.order} should be new each epoch, but {n_again} of {len(hashes)} parts come again"
    return Evidence(statement, {name: 10 if name == "H5" else 0.3 for name in HYPOTHESES}, proves="H5")


def _different(rows: dict[int, list[QuarterRecord]]) -> Evidence:
    """See whether the parts differ beyond what a random draw of as many windows does."""
    found = [each for each in (_places(rows), _times(rows)) if each is not None]
    worst = max(found, key=lambda each: each.effect if each.errors > _SURE else 0.0)
    labels = _labels(rows)
    if worst.errors > _SURE and worst.effect > _SMALL:
        said = f"by up to {worst.effect:.2g} standard deviations ({worst.errors:.0f} standard errors)"
        statement = f"parts of the epoch differ in {worst.what}, in every epoch alike, {said}{labels}"
        if worst.effect > _LARGE:
            return Evidence(statement, {name: 10 if name == "H5" else 0.2 for name in HYPOTHESES}, proves="H5")
        return Evidence(statement, {"H5": 4, "H1": 0.7})
    if labels:
        return Evidence(f"parts of the epoch differ{labels}", {"H5": 6, "H1": 0.5})
    numbers = f"place in the source within {worst.effect:.2g} standard deviations of the whole"
    return Evidence(f"the parts of an epoch are alike as data: {numbers}", {"H5": 0.1})


def _places(rows: dict[int, list[QuarterRecord]]) -> _Apart:
    """Compare places in the source with those of a shuffle: a mean of 1/2 that only chance moves."""
    apart = []
    for records in rows.values():
        away = float(np.mean([record.place_mean for record in records])) - 0.5
        size = float(np.mean([record.count for record in records]))
        error = _UNIFORM_SD / math.sqrt(size * _n_draws(records))
        apart.append(_Apart("place in the source", abs(away) / _UNIFORM_SD, abs(away) / error))
    return max(apart, key=lambda each: each.errors)


def _times(rows: dict[int, list[QuarterRecord]]) -> _Apart | None:
    every = [record for records in rows.values() for record in records]
    known = [(record.time_mean, record.time_sd, record.count) for record in every if record.time_mean is not None]
    if len(known) < len(every):
        return None
    mean, sd, count = np.array([(each[0], each[1] or 0.0, each[2]) for each in known], dtype=np.float64).T
    centre = float(np.average(mean, weights=count))
    whole_sd = math.sqrt(float(np.average(np.square(sd) + np.square(mean - centre), weights=count)))
    if whole_sd <= 0:
        return None
    apart = []
    for records in rows.values():
        away = abs(float(np.mean([record.time_mean for record in records if record.time_mean is not None])) - centre)
        size = float(np.mean([record.count for record in records]))
        apart.append(_Apart("time", away / whole_sd, away / (whole_sd / math.sqrt(size * _n_draws(records)))))
    return max(apart, key=lambda each: each.errors)


def _n_draws(records: Sequence[QuarterRecord]) -> int:
    """Count the different sets of windows: one that comes again tells nothing new."""
    return len({record.set_hash for record in records})


def _labels(rows: dict[int, list[QuarterRecord]]) -> str:
    """Test targets by phase with epochs as replicates (F); sets that come again are no replicates."""
    if any(_n_draws(records) < max(2, len(records)) for records in rows.values()):
        return ""
    measures: dict[str, Callable[[QuarterRecord], float]] = {
        "popularity of targets": lambda record: record.log_popularity_mean,
        "entropy of targets": lambda record: record.label_entropy_nats,
    }
    sizes = np.array([records[0].count for records in rows.values()])
    is_even = float(np.ptp(sizes)) <= _SAME_SIZE * float(sizes.max())
    said = [
        f"{name} (p {p_value:.1g})"
        for name, of in measures.items()
        if (is_even or name.startswith("popularity"))
        and (p_value := _p_value([np.array([of(record) for record in records]) for records in rows.values()])) < _LEVEL
    ]
    return f"; in {' and '.join(said)} too" if said else ""


def _p_value(groups_PE: list[NDArray[np.float64]]) -> float:
    if all(float(np.ptp(values)) == 0 for values in groups_PE):
        return 1.0
    return float(scipy.stats.f_oneway(*groups_PE).pvalue)
