"""Evaluation with frozen weights: metrics and ranks.

Legend: B batch, W windows evaluated, V items.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from models.backend import REFERENCE, Backend
from models.batches import Batch, DeviceWindows
from models.gru import NextItemGRU
from models.metrics import MetricSums, Ties, target_losses
from models.windows import UNKNOWN

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
        Told the losses and ranks behind the sums.
    backend
        That computes them.

    Returns
    -------
    MetricSums
        On the device.

    Raises
    ------
    NonFiniteScoresError
        If the model's scores hold NaN or infinity.
    """
    sums = MetricSums.zero(scoring.cutoffs, windows.device)
    with frozen(model):
        for loss_B, rank_B, is_known_B in backend.evaluate(model, windows, indices, scoring.ties):
            sums += MetricSums.of_batch(loss_B, rank_B, is_known_B, scoring.cutoffs)
            if on_batch is not None:
                on_batch(loss_B, rank_B)
    return sums


def window_ranks(model: NextItemGRU, windows: DeviceWindows, ties: Ties, indices: Tensor | None = None) -> Tensor:
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
        ranks = [rank_B for _, rank_B, _ in REFERENCE.evaluate(model, windows, indices, ties)]
    return torch.cat(ranks).cpu().double() if ranks else torch.empty(0, dtype=torch.float64)


def batch_sums(batch: Batch, logits_BV: Tensor, rank_B: Tensor, cutoffs: Sequence[int]) -> MetricSums:
    """Sum the metrics over one scored batch.

    Parameters
    ----------
    batch
        The windows.
    logits_BV
        (B, V) their scores.
    rank_B
        (B,) the ranks of their targets.
    cutoffs
        The k of the rank metrics.

    Returns
    -------
    MetricSums
        Of this batch alone.
    """
    loss_B = target_losses(logits_BV, batch.target_B)
    return MetricSums.of_batch(loss_B, rank_B, batch.target_B != UNKNOWN, cutoffs)
