"""How much of a running train loss the ages of its windows explain, how far ages differ, and what they cost.

Legend: E epochs, P phases.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.curves import CurvePoint, ForgettingRecord
from models.errors import ModelError
from models.forgetting_curve import curve_within_phases, forgetting_table
from models.forgetting_prediction import Explained, Prediction, explained, middles, predict_epoch
from models.run_curves import points_of
from models.run_record import RunRecord

_LEAST_MIXING = 0.2
"""Below it ages are the phases under another name."""
_HALF_A_BIN = 1 / 16


def explained_share(runs: Sequence[RunRecord]) -> Explained | None:
    """Say how much of the running loss's pattern within epochs the ages of its windows explain.

    The forgetting curve is made within phases, so that what belongs to the place in the epoch, such as weights that
    learn, explains nothing; it stays in what is to be explained.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    Explained or None
        Of the running loss as it was shown, epochs of all seeds together; None where nothing can be told.
    """
    return _pooled([one for run in runs for one in _predictions(run, is_corrected=False)])


def least_explained_share(runs: Sequence[RunRecord]) -> Explained | None:
    """Say the same with the frozen probe's slope taken off both sides.

    The probe falls within an epoch also because more and more of its windows have just been visited again, which those
    that the running loss visits have not. So it takes off too much, and this is a lower bound.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    Explained or None
        None without a probe too.
    """
    return _pooled([one for run in runs for one in _predictions(run, is_corrected=True)])


def age_spread(runs: Sequence[RunRecord]) -> float | None:
    """Say how far the mean ages of an epoch's phases lie apart, over the epochs after the second.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    float or None
        Epochs; None without ages.
    """
    spreads = []
    for run in runs:
        for epoch, rows in _by_epoch(run.forgetting).items():
            means = [_mean_age([row for row in rows if row.phase == phase]) for phase in {row.phase for row in rows}]
            known = [mean for mean in means if mean is not None]
            if epoch > 1 and len(known) > 1:
                spreads.append(max(known) - min(known))
    return float(np.median(spreads)) if spreads else None


def rise_with_age(runs: Sequence[RunRecord]) -> float | None:
    """Fit how the loss of a window rises with the time since its last visit, ages of one phase compared only.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    float or None
        Nats an epoch of age, mean over the epochs after the first; None where it cannot be told.
    """
    slopes = [slope for run in runs for rows in _by_epoch(run.forgetting).values() if (slope := _slope(rows))]
    return float(np.mean(slopes)) if slopes else None


def _by_epoch(rows: Sequence[ForgettingRecord]) -> dict[int, list[ForgettingRecord]]:
    """Return second visits by epoch."""
    found: dict[int, list[ForgettingRecord]] = {}
    for row in rows:
        if row.age_low_epochs is not None and row.loss_count:
            found.setdefault(row.epoch, []).append(row)
    return found


def _mean_age(rows: Sequence[ForgettingRecord]) -> float | None:
    ages = [(row.age_low_epochs + _HALF_A_BIN, row.loss_count) for row in rows if row.age_low_epochs is not None]
    if not ages:
        return None
    age, weight = np.array(ages).T
    return float(np.average(age, weights=weight))


def _slope(rows: Sequence[ForgettingRecord]) -> float | None:
    try:
        table = forgetting_table(rows)
    except ModelError:  # no second visits
        return None
    if len(table.phases) < 2 or len(table.edges) < 4 or table.mixing() < _LEAST_MIXING:
        return None
    loss_B, seen_B = curve_within_phases(table, np.zeros(len(table.phases)))
    count_B, age_B = table.count_PB.sum(0)[seen_B], table.edges[:-1][seen_B]
    return float(np.polyfit(age_B, loss_B[seen_B], 1, w=np.sqrt(count_B))[0])


def _pooled(found: list[Prediction]) -> Explained | None:
    try:
        return explained(found) if found else None
    except ModelError:  # no amplitude to explain is an answer here
        return None


def _predictions(run: RunRecord, *, is_corrected: bool) -> list[Prediction]:
    running, probe = (_at(points_of(run, name, "loss")) for name in ("train_running", "train_probe"))
    found = []
    for epoch, rows in _by_epoch(run.forgetting).items():
        phases = sorted({row.phase for row in rows})
        if epoch < 2 or len(phases) < 2 or not all((epoch, phase) in running for phase in phases):
            continue
        trend = _trend(probe, epoch, phases) if is_corrected else np.zeros(len(phases))
        if trend is None:
            continue
        try:
            one = predict_epoch(rows, trend=trend, forgetting="within_phases")
        except ModelError:  # too few visits to predict from
            continue
        found.append(_of_shown(one, np.array([running[epoch, phase] for phase in phases]), trend))
    return found


def _at(points: Sequence[CurvePoint]) -> dict[tuple[int, int], float]:
    """Return values by epoch (from 1) and phase."""
    return {(int(np.ceil(point.epoch - 1e-6)), point.phase): point.value for point in points if point.value is not None}


def _trend(probe: dict[tuple[int, int], float], epoch: int, phases: Sequence[int]) -> NDArray[np.float64] | None:
    before = [value for (turn, _), value in sorted(probe.items()) if turn == epoch - 1]
    if not before or not all((epoch, phase) in probe for phase in phases):
        return None
    return middles(before[-1], [probe[epoch, phase] for phase in phases])


def _of_shown(one: Prediction, shown_P: NDArray[np.float64], trend_P: NDArray[np.float64]) -> Prediction:
    """Compare the prediction with the curve that was shown, which may not be what was visited."""
    if one.share_explained is None:
        return one
    left_P, aged_P = (values - values.mean() for values in (shown_P - trend_P, np.array(one.predicted) - trend_P))
    square = float(left_P @ left_P)
    share = float(left_P @ aged_P) / square if square > 0 else None
    return replace(one, share_explained=share, amplitude_rms=float(np.sqrt(square / len(left_P))))
