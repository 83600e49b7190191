"""Evaluation with frozen weights: metrics and ranks.

Legend: B batch, W windows evaluated, V items.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from models.batches import Batch, DeviceWindows
from models.gru import NextItemGRU
from models.metrics import MetricSums, Ties, target_losses, target_ranks
from models.windows import UNKNOWN

_CPU_SCORES = 2**20
"""Scores a batch on a CPU: 4 MB, so that the passes over them find them in the cache."""
_DEVICE_SCORES = 2**26
"""Scores a batch on a GPU: 256 MB, enough to keep it busy."""

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


def rows_per_batch(n_items: int, device: torch.device) -> int:
    """Size a batch by the scores it makes, for they are most of its memory.

    Parameters
    ----------
    n_items
        V.
    device
        Where it runs.

    Returns
    -------
    int
        Windows, 64 to 4096.
    """
    scores = _CPU_SCORES if device.type == "cpu" else _DEVICE_SCORES
    return min(4096, max(64, scores // n_items))


def evaluate(
    model: NextItemGRU,
    windows: DeviceWindows,
    scoring: Scoring,
    indices: Tensor | None = None,
    on_batch: OnBatch | None = None,
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
        for batch, logits_BV in scored(model, windows, indices):
            rank_B = target_ranks(logits_BV, batch.target_B, scoring.ties)
            loss_B = target_losses(logits_BV, batch.target_B)
            sums += MetricSums.of_batch(loss_B, rank_B, batch.target_B != UNKNOWN, scoring.cutoffs)
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
        batches = scored(model, windows, indices)
        ranks = [target_ranks(logits_BV, batch.target_B, ties) for batch, logits_BV in batches]
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


def scored(model: NextItemGRU, windows: DeviceWindows, indices: Tensor | None = None) -> Iterator[tuple[Batch, Tensor]]:
    """Score windows batch by batch; to be read inside `frozen`.

    Parameters
    ----------
    model
        On the device of the windows.
    windows
        The split.
    indices
        (W,) int64 windows on the same device; None takes all.

    Yields
    ------
    tuple
        The batch and its (B, V) logits.
    """
    rows = rows_per_batch(model.n_items, windows.device)
    n_windows = len(windows) if indices is None else len(indices)
    for start in range(0, n_windows, rows):
        chosen = slice(start, start + rows) if indices is None else indices[start : start + rows]
        batch = windows.cut(chosen)
        yield batch, model(batch.history_BL, batch.length_B)
