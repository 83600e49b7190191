"""Evaluation with frozen weights: metrics and ranks.

Legend: B batch, W windows evaluated, V items.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from models.backend import REFERENCE, Backend
from models.batches import DeviceWindows
from models.errors import NonFiniteScoresError
from models.gru import NextItemGRU
from models.metrics import NOT_FINITE, MetricSums, Ties
from models.world import ALONE, World

OnBatch = Callable[[Tensor, Tensor], None]
"""Told the (B,) losses in nats and the (B,) ranks of each batch evaluated, in the order of the windows."""


@dataclass(frozen=True)
class Scoring:
    """How targets are scored; both come from the training's configuration."""

    cutoffs: tuple[int, ...]
    ties: Ties


@contextmanager
def frozen(model: NextItemGRU) -> Iterator[None]:
    """Evaluate inside the block: no dropout, no gradients; the model's mode is given back after it.

    Parameters
    ----------
    model
        Any.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def evaluate(
    model: NextItemGRU,
    windows: DeviceWindows,
    scoring: Scoring,
    indices: Tensor | None = None,
    on_batch: OnBatch | None = None,
    backend: Backend = REFERENCE,
    world: World = ALONE,
) -> MetricSums:
    """Sum the metrics over a split, or over some of its windows.

    Parameters
    ----------
    model
        On the device of the windows.
    windows
        The split.
    scoring
        Cutoffs and ties.
    indices
        (W,) int64 windows on the same device; None takes all.
    on_batch
        Told the losses and ranks of this process's share.
    backend
        That computes them.
    world
        The processes that evaluate together, each its share of the windows, in order.

    Returns
    -------
    MetricSums
        On the device; of all windows, in every process.

    Raises
    ------
    NonFiniteScoresError
        If the model's scores hold NaN or infinity, in whichever process.
    """
    sums, own = MetricSums.zero(scoring.cutoffs, windows.device), _own(windows, indices, world)
    with frozen(model):
        try:
            for loss_B, rank_B, is_known_B, _ in backend.evaluate(model, windows, own, scoring.ties):
                sums += MetricSums.of_batch(loss_B, rank_B, is_known_B, scoring.cutoffs)
                if on_batch is not None:
                    on_batch(loss_B, rank_B)
        except NonFiniteScoresError:
            sums.sums_3M.fill_(torch.nan)  # which reaches the others: they wait for this one's sums
        world.sum_(sums.sums_3M)
    if sums.sums_3M.isnan().any():
        raise NonFiniteScoresError(NOT_FINITE)
    return sums


def _own(windows: DeviceWindows, indices: Tensor | None, world: World) -> Tensor | None:
    """Return this process's share of the windows."""
    if world.size == 1:
        return indices
    if indices is not None:
        return indices[world.share(len(indices))]
    own = world.share(len(windows))
    return torch.arange(own.start, own.stop, device=windows.device)


def window_ranks(
    model: NextItemGRU,
    windows: DeviceWindows,
    ties: Ties,
    indices: Tensor | None = None,
    backend: Backend = REFERENCE,
) -> Tensor:
    """Rank the target of each window, to compare two models on the same windows.

    Parameters
    ----------
    model
        On the device of the windows.
    windows
        The split.
    ties
        Where a target stands among items of its own score.
    indices
        (W,) int64 windows on the same device; None takes all.
    backend
        That computes them.

    Returns
    -------
    torch.Tensor
        (W,) float64 on the CPU; infinity for an unknown target.

    Raises
    ------
    NonFiniteScoresError
        If the model's scores hold NaN or infinity.
    """
    with frozen(model):
        ranks = [rank_B for _, rank_B, _, _ in backend.evaluate(model, windows, indices, ties)]
    return torch.cat(ranks).cpu().double() if ranks else torch.empty(0, dtype=torch.float64)
