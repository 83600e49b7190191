"""At what level the running loss enters an epoch, beside what the frozen probe says at that very moment.

A new shuffle begins with a random sample of all train windows. Under the same weights their mean loss is the probe's,
so the running loss must fall, from where the old epoch leaves it, to the probe. No curve is fitted for that: the jump
that re-exposure predicts is the running loss less the probe at the end of the epoch, and nothing else predicts it.

It holds for a fresh shuffle only. In a fixed order the windows visited next are those that were not seen for longest;
with replacement every visit is a random one and there is no jump. Dropout is in the running loss and not in the probe,
and averaged weights are not those of the visits: both put an unknown distance between the two.

Legend: N points, U units (boundaries, or seeds where there are three).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from models.config import Training
from models.curves import CurvePoint
from models.run_curves import points_of
from models.run_record import RunRecord

_LEVEL = 0.95
_ENOUGH = 3
"""Boundaries from which on the first one, after the first visits of all, is left out; and seeds that are replicates."""
_SAME_PLACE = 1e-6


@dataclass(frozen=True)
class EntryShare:
    """The jump that the probe predicts as a share of the one there is."""

    share: float  # 1: the running loss enters the epoch at the probe's level
    low: float | None  # 95 % interval; None of one boundary
    high: float | None
    n_boundaries: int


@dataclass(frozen=True)
class _Boundary:
    predicted: float  # nats
    observed: float


def entry_share(runs: Sequence[RunRecord]) -> EntryShare | None:
    """Compare the jumps of the running loss with those that the frozen probe predicts.

    Parameters
    ----------
    runs
        Of one training, one a seed.

    Returns
    -------
    EntryShare or None
        Sum of the predicted jumps over that of the observed ones, with a t interval over boundaries, from three seeds
        on over seeds. None unless it is reshuffled, learns from logits without dropout and evaluates its own weights,
        and jumps by more than chance.
    """
    by_seed = [found for run in runs if _is_comparable(run.config) and (found := _later(_boundaries(run)))]
    if not by_seed:
        return None
    if len(by_seed) >= _ENOUGH:
        units = [(sum(each.predicted for each in one), sum(each.observed for each in one)) for one in by_seed]
    else:
        units = [(each.predicted, each.observed) for one in by_seed for each in one]
    predicted_U, observed_U = np.array(units).T
    if not _is_clear(observed_U):
        return None
    share = float(predicted_U.sum() / observed_U.sum())
    half = _half(predicted_U - share * observed_U, float(observed_U.sum()))
    low, high = (None, None) if half is None else (share - half, share + half)
    return EntryShare(share, low, high, sum(len(one) for one in by_seed))


def _is_comparable(config: Training) -> bool:
    is_plain = config.model.dropout == 0 and config.ema_decay is None and config.loss == "logits"
    return is_plain and config.order == "reshuffle"


def _later(found: list[_Boundary]) -> list[_Boundary]:
    return found[1:] if len(found) >= _ENOUGH else found


def _is_clear(observed_U: NDArray[np.float64]) -> bool:
    """Return whether there are jumps, all of one sign or beyond chance: a share of nothing is not told."""
    half = _half(observed_U - observed_U.mean(), float(len(observed_U)))
    is_one_way = bool((observed_U > 0).all() or (observed_U < 0).all())
    return is_one_way or (half is not None and abs(float(observed_U.mean())) > half)


def _half(rest_U: NDArray[np.float64], total: float) -> float | None:
    """Return half of the t interval of a quotient of sums, by its residuals."""
    n_units = len(rest_U)
    if n_units < 2:
        return None
    error = math.sqrt(float(rest_U @ rest_U) * n_units / (n_units - 1)) / abs(total)
    return float(scipy.stats.t.ppf((1 + _LEVEL) / 2, n_units - 1)) * error


def _boundaries(run: RunRecord) -> list[_Boundary]:
    place_N, epoch_N, value_N = _middles(points_of(run, "train_running", "loss"))
    found = []
    for end, probe in _ends(points_of(run, "train_probe", "loss")).items():
        before, after = np.flatnonzero(epoch_N == end), np.flatnonzero(epoch_N == end + 1)
        width = max(2, len(before) // 2)
        chosen = before[-width:], after[:width]
        if min(len(part) for part in chosen) < 2:
            continue
        left, right = (_height(end, place_N[part], value_N[part]) for part in chosen)
        found.append(_Boundary(left - probe, left - right))
    return found


def _middles(points: Sequence[CurvePoint]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the middle of each phase, the epoch (from 1) that it lies in, and the running loss over it."""
    starts = [0.0, *(point.epoch for point in points)]
    known = [
        ((start + point.epoch) / 2, math.ceil(point.epoch - _SAME_PLACE), point.value)
        for start, point in zip(starts, points, strict=False)
        if point.value is not None
    ]
    place, epoch, value = ([row[column] for row in known] for column in range(3))
    return np.array(place, dtype=np.float64), np.array(epoch, dtype=np.int64), np.array(value, dtype=np.float64)


def _ends(probe: Sequence[CurvePoint]) -> dict[int, float]:
    """Return the probe's loss at the ends of epochs, by epochs completed."""
    return {
        round(point.epoch): point.value
        for point in probe
        if point.value is not None and abs(point.epoch - round(point.epoch)) < _SAME_PLACE
    }


def _height(place: float, place_N: NDArray[np.float64], value_N: NDArray[np.float64]) -> float:
    """Return the height of a line at a place."""
    return float(np.polyfit(place_N - place, value_N, 1)[1])
