"""How old the windows are that an order visits: the share of each age at each place of the epoch.

Age is the time since a window's last visit, in epochs. Ages are of windows that were visited before.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

AgedOrder = Literal["reshuffle", "fixed", "reversed", "replacement"]

_PLACES = 64
"""Places within a phase over which its ages are averaged; their spacing is far below any bin of ages."""


def age_shares(
    order: AgedOrder, epoch: int, start: float, end: float, edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Say which share of the visits between two places of an epoch falls into each bin of ages.

    ``reshuffle``: a window at place t was at a uniform place u of the epoch before, so its age ``t + 1 - u``
    is uniform on t to 1 + t. ``fixed``: always 1. ``reversed`` (each epoch the epoch before, backwards): 2 t.
    ``replacement``: visits of a window are a Poisson process of one an epoch, so ages are exponential of mean
    1, cut at the time trained so far and given that there was a visit.

    Parameters
    ----------
    order
        The order of visits.
    epoch
        From 1, the epoch in question; in epoch 1 only replacement visits a window again.
    start
        Place in the epoch where the phase begins, 0 to 1.
    end
        Where it ends, above ``start``.
    edges
        (B + 1,) increasing edges of the bins, epochs; the last may be infinite.

    Returns
    -------
    numpy.ndarray
        (B,) shares; they sum to 1 if the bins hold all ages that occur.

    Raises
    ------
    ModelError
        If the order visits nothing again in that epoch, or the phase is empty.
    """
    if not 0 <= start < end <= 1 or epoch < 1 or (epoch == 1 and order != "replacement"):
        message = f"No ages are known of order {order} in epoch {epoch} from place {start} to {end}."
        raise ModelError(message)
    place_P1 = (start + (end - start) * (np.arange(_PLACES) + 0.5) / _PLACES)[:, None]
    below = _share_below(order, epoch, place_P1, edges[None, :]).mean(0)
    return np.asarray(np.diff(below))


def _share_below(
    order: AgedOrder, epoch: int, place_P1: NDArray[np.float64], edges_1B: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (P, B + 1) the share of ages below each edge at each place."""
    if order == "reshuffle":
        return np.clip(edges_1B - place_P1, 0, 1)
    if order == "replacement":
        trained_P1 = epoch - 1 + place_P1
        return np.asarray(-np.expm1(-np.minimum(edges_1B, trained_P1)) / -np.expm1(-trained_P1))
    age_P1 = 2 * place_P1 if order == "reversed" else np.ones_like(place_P1)
    return (edges_1B > age_P1).astype(np.float64)
