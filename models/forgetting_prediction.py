"""The sawtooth predicted from forgetting alone: what the age of the windows being visited makes of the loss.

The forgetting curve of an epoch is the mean loss by age, over all its visits, whatever their place in the
epoch. Averaged over the ages that the order implies at a place, it predicts the loss at that place. If the
sawtooth is re-exposure the prediction meets what was observed; if it comes from elsewhere the prediction stays
flat, because ages do not know of it.

The bias, and what to do about it. Weights improve within an epoch, and young windows are met early in it. The
pooled curve therefore mixes the two: a plain downward slope makes young ages look worse than they are, which
hides some forgetting, and a slope alone, without any forgetting, comes back as a smoothed slope and would count
as explained. Given the slope by an estimator that has no ages (the frozen probe at the middle of each phase),
it is taken off every visit before pooling and added again to the prediction, and the share explained is of what is
left of the observed amplitude. No estimator at hand is free of ages, though. A probe of train windows falls
within an epoch also because more and more of its windows have been visited once more, which the visits ahead
have not: where much is memorised it takes off too much, and the share is a lower bound. Validation windows are
never visited: where it overfits, validation rises while train still learns, and the share is an upper bound.
Where the two are far apart, the share without correction in late epochs, when weights move little, is the better
number; say all three. First visits have no age and are left out on both sides.

What pooling cannot tell: a pattern that belongs to the place in the epoch (harder data at its end) leaks into
the ages met there, and a third to a half of it comes back as explained. ``within_phases`` compares ages only with
other ages of the same phase, so such a pattern explains nothing: it uses the phase to take its effect out, never to
put one in. Where each age has a place of its own, as in a reversed order, nothing can be told from the other
(``mixing`` near 0) and no share is given.

Legend: P phases, B bins of ages, E epochs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from models.age_orders import AgedOrder, age_shares
from models.curves import ForgettingRecord
from models.errors import ModelError
from models.forgetting_curve import ForgettingTable, curve_within_phases, forgetting_table, pooled_curve

_LEVEL = 0.95
_MOST_UNSEEN = 0.1
"""Share of implied ages without a single visit beyond which there is no prediction."""
_LEAST_MIXING = 0.2
"""Below it a forgetting curve is the phases under another name, and would explain anything."""


@dataclass(frozen=True)
class Prediction:
    """One epoch, by phase."""

    epoch: int
    phases: tuple[int, ...]
    observed: tuple[float, ...]  # mean loss of visits that were not the first, nats
    predicted: tuple[float, ...]
    residual: tuple[float, ...]  # observed less predicted
    share_explained: float | None  # of the observed amplitude; 1 is all, None where that cannot be told
    residual_rms: float
    amplitude_rms: float  # of what is to be explained, nats
    unseen_share: float  # of the implied ages that no visit had; their loss is interpolated
    mixing: float  # how far each age is met in all phases alike: 0 (in one only) to 1
    trend_corrected: bool


@dataclass(frozen=True)
class Explained:
    """Epochs pooled."""

    share: float  # of the amplitude of all epochs
    low: float | None  # 95 % interval (t over epochs), None for one epoch
    high: float | None
    epochs: tuple[Prediction, ...]


def predict_epoch(
    rows: Sequence[ForgettingRecord],
    order: AgedOrder | None = None,
    phase_ends: Sequence[float] | None = None,
    trend: ArrayLike | None = None,
    forgetting: Literal["pooled", "within_phases"] = "pooled",
) -> Prediction:
    """Predict the phases of one epoch from its forgetting curve.

    Parameters
    ----------
    rows
        All of one epoch.
    order
        Whose ages to average over; None takes the ages that each phase was counted to have.
    phase_ends
        (P,) where each phase ends, in epochs from the epoch's start, the last 1; None for even phases.
    trend
        (P,) the loss of an estimator without ages in the middle of each phase, nats (`middles` makes it of the
        probe's curve); only its differences matter. None leaves the slope in.
    forgetting
        How the forgetting curve is made: over all visits of an age, or from ages of the same phase only.

    Returns
    -------
    Prediction
        By phase.

    Raises
    ------
    ModelError
        If rows are of several epochs, hold no second visits, or a tenth of the implied ages had no visit.
    """
    table = forgetting_table(rows)
    n_phases = len(table.phases)
    trend_P = np.zeros(n_phases) if trend is None else np.asarray(trend, dtype=np.float64).ravel()
    if len(trend_P) != n_phases or not np.isfinite(trend_P).all():
        message = f"The trend needs a finite loss for each of the {n_phases} phases; {len(trend_P)} are given."
        raise ModelError(message)
    count_P = table.count_PB.sum(1)
    trend_P = trend_P - np.average(trend_P, weights=count_P)
    share_PB = table.count_PB / count_P[:, None] if order is None else _implied(table, order, phase_ends)
    make_curve = pooled_curve if forgetting == "pooled" else curve_within_phases
    curve_B, seen_B = make_curve(table, trend_P)
    unseen = float(share_PB[:, ~seen_B].sum() / n_phases) + max(0.0, 1 - float(share_PB.sum()) / n_phases)
    if unseen > _MOST_UNSEEN:
        message = (
            f"Of the ages that order {order} implies in epoch {table.epoch}, {unseen:.0%} had no visit: the rows "
            "are of another order, or of too few visits."
        )
        raise ModelError(message)
    aged_P = share_PB @ curve_B / share_PB.sum(1)
    return _compared(table, aged_P, trend_P, unseen, is_corrected=trend is not None)


def explained(predictions: Sequence[Prediction]) -> Explained:
    """Pool the share explained over epochs.

    Parameters
    ----------
    predictions
        One an epoch.

    Returns
    -------
    Explained
        Epochs weighted by their squared amplitude, and the t interval of that ratio: the share of an epoch
        that hardly saws is mostly noise.

    Raises
    ------
    ModelError
        If no epoch has an amplitude.
    """
    told = [(each.share_explained, each.amplitude_rms**2) for each in predictions if each.share_explained is not None]
    if not told:
        message = "No epoch has an amplitude that ages could be told to explain."
        raise ModelError(message)
    share_E, weight_E = np.array(told).T
    share = float(np.average(share_E, weights=weight_E))
    if len(told) < 2:
        return Explained(share, None, None, tuple(predictions))
    spread = float(np.square(weight_E * (share_E - share)).sum()) * len(told) / (len(told) - 1)
    half = float(scipy.stats.t.ppf((1 + _LEVEL) / 2, len(told) - 1)) * math.sqrt(spread) / float(weight_E.sum())
    return Explained(share, share - half, share + half, tuple(predictions))


def middles(before: float, at_ends: ArrayLike) -> NDArray[np.float64]:
    """Interpolate a frozen estimator, known at the ends of the phases, to their middles.

    Parameters
    ----------
    before
        Its value at the start of the epoch, that is at the end of the one before.
    at_ends
        (P,) at the end of each phase.

    Returns
    -------
    numpy.ndarray
        (P,) in the middles.
    """
    value_P = np.asarray(at_ends, dtype=np.float64).ravel()
    return np.asarray((np.concatenate([[before], value_P[:-1]]) + value_P) / 2)


def _implied(table: ForgettingTable, order: AgedOrder, phase_ends: Sequence[float] | None) -> NDArray[np.float64]:
    n_phases = len(table.phases)
    ends = [(phase + 1) / n_phases for phase in range(n_phases)] if phase_ends is None else list(phase_ends)
    if len(ends) != n_phases:
        message = f"{len(ends)} ends are given for {n_phases} phases."
        raise ModelError(message)
    starts = [0.0, *ends[:-1]]
    pairs = zip(starts, ends, strict=True)
    return np.stack([age_shares(order, table.epoch, start, end, table.edges) for start, end in pairs])


def _compared(
    table: ForgettingTable,
    aged_P: NDArray[np.float64],
    trend_P: NDArray[np.float64],
    unseen: float,
    *,
    is_corrected: bool,
) -> Prediction:
    observed_P = table.loss_PB.sum(1) / table.count_PB.sum(1)
    predicted_P = aged_P + trend_P
    residual_P = observed_P - predicted_P
    left_P = observed_P - trend_P - (observed_P - trend_P).mean()
    square = float(left_P @ left_P)
    mixing = table.mixing()
    is_told = mixing >= _LEAST_MIXING and square > (1e-9 * float(np.abs(observed_P).max())) ** 2
    prediction = Prediction(
        epoch=table.epoch,
        phases=table.phases,
        observed=tuple(observed_P.tolist()),
        predicted=tuple(predicted_P.tolist()),
        residual=tuple(residual_P.tolist()),
        share_explained=None,
        residual_rms=float(np.sqrt(np.square(residual_P).mean())),
        amplitude_rms=math.sqrt(square / len(left_P)),
        unseen_share=unseen,
        mixing=mixing,
        trend_corrected=is_corrected,
    )
    return replace(prediction, share_explained=float(left_P @ aged_P) / square) if is_told else prediction
