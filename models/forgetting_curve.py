"""The forgetting curve of an epoch: mean loss by the time since a window's last visit.

Legend: P phases, B bins of ages, C cells of both that hold visits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.curves import ForgettingRecord
from models.errors import ModelError


@dataclass(frozen=True)
class ForgettingTable:
    """The visits of one epoch that were not the first, by phase and age."""

    epoch: int  # from 1
    phases: tuple[int, ...]
    edges: NDArray[np.float64]  # (B + 1,) of the ages, epochs; the last may be infinite
    loss_PB: NDArray[np.float64]  # sums, nats
    count_PB: NDArray[np.float64]  # visits with a known target

    def mixing(self) -> float:
        """Say how far each age is met in all phases alike: 0 (each in one only) to 1."""
        share_PB = self.count_PB / np.maximum(self.count_PB.sum(0), 1)
        apart_B = 1 - np.square(share_PB).sum(0)
        share_P = self.count_PB.sum(1) / self.count_PB.sum()
        apart = 1 - float(np.square(share_P).sum())
        return float(np.average(apart_B, weights=self.count_PB.sum(0))) / apart if apart > 0 else 0.0


def forgetting_table(rows: Sequence[ForgettingRecord]) -> ForgettingTable:
    """Sort the records of an epoch by phase and age.

    Parameters
    ----------
    rows
        All of one epoch; first visits are left out.

    Returns
    -------
    ForgettingTable
        Sums and counts.

    Raises
    ------
    ModelError
        If there are none, they are of several epochs, or bins overlap.
    """
    epochs = sorted({row.epoch for row in rows})
    aged = [(row, row.age_low_epochs, _high(row)) for row in rows if row.loss_count]
    bins = [(row, low, high) for row, low, high in aged if low is not None]
    if len(epochs) != 1 or not bins:
        message = f"A prediction needs the second visits of one epoch; the rows are of epochs {epochs or 'none'}."
        raise ModelError(message)
    phases = tuple(sorted({row.phase for row, _, _ in bins}))
    edges = np.array(sorted({edge for _, low, high in bins for edge in (low, high)}))
    loss_PB, count_PB = np.zeros((2, len(phases), len(edges) - 1))
    for row, low, high in bins:
        place = phases.index(row.phase), int(np.searchsorted(edges, low))
        if edges[place[1] + 1] != high:
            message = f"Bins of ages overlap: {low} to {high} epochs holds the edge of another."
            raise ModelError(message)
        loss_PB[place] += row.loss_sum
        count_PB[place] += row.loss_count
    return ForgettingTable(epochs[0], phases, edges, loss_PB, count_PB)


def _high(row: ForgettingRecord) -> float:
    return math.inf if row.age_high_epochs is None else row.age_high_epochs


def pooled_curve(table: ForgettingTable, trend_P: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Average the loss by age over all phases.

    Parameters
    ----------
    table
        The visits.
    trend_P
        (P,) nats, what to take off each visit of a phase.

    Returns
    -------
    tuple
        (B,) nats, and (B,) whether a bin had visits; the others are interpolated.
    """
    count_B = table.count_PB.sum(0)
    seen_B = count_B > 0
    loss_B = (table.loss_PB - trend_P[:, None] * table.count_PB).sum(0)
    return _filled(loss_B[seen_B] / count_B[seen_B], seen_B), seen_B


def curve_within_phases(
    table: ForgettingTable, trend_P: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Estimate the effect of age beside one of phase (weighted least squares), at the level of all visits.

    Parameters
    ----------
    table
        The visits.
    trend_P
        (P,) nats, what to take off each visit of a phase.

    Returns
    -------
    tuple
        (B,) nats, and (B,) whether a bin had visits; the others are interpolated.
    """
    phase_C, bin_C = np.nonzero(table.count_PB)
    weight_C = np.sqrt(table.count_PB[phase_C, bin_C])
    mean_C = table.loss_PB[phase_C, bin_C] / table.count_PB[phase_C, bin_C] - trend_P[phase_C]
    n_phases = len(table.phases)
    columns_CK = np.hstack([np.eye(n_phases)[phase_C], np.eye(len(table.edges) - 1)[bin_C]])
    effects = np.linalg.lstsq(columns_CK * weight_C[:, None], mean_C * weight_C, rcond=1e-9)[0][n_phases:]
    count_B = table.count_PB.sum(0)
    seen_B = count_B > 0
    level = np.average(mean_C, weights=weight_C**2) - np.average(effects[seen_B], weights=count_B[seen_B])
    return _filled(effects[seen_B] + level, seen_B), seen_B


def _filled(known: NDArray[np.float64], seen_B: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Interpolate over bins without visits."""
    places = np.arange(len(seen_B))
    return np.interp(places, places[seen_B], known)
