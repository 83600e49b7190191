"""How a step and an evaluation are computed: the same mathematics in plain torch, or fused for a CPU.

Legend: B batch, W windows evaluated, V items.
"""

from collections.abc import Iterator
from typing import Literal, Protocol

import torch
from torch import Tensor

from models.batches import Batch, DeviceWindows
from models.config import Training
from models.gru import NextItemGRU
from models.losses import training_losses
from models.metrics import Ties, target_losses, target_ranks, unchecked_target_ranks
from models.windows import UNKNOWN

_CPU_SCORES = 2**20
"""Scores a batch on a CPU: 4 MB, so that the passes over them find them in the cache."""
_DEVICE_SCORES = 2**26
"""Scores a batch on a GPU: 256 MB, enough to keep it busy."""


Precision = Literal["fp32", "bf16"]


class Backend(Protocol):
    """Computes what becomes of targets."""

    @property
    def name(self) -> str:
        """What a run's record calls it."""

    @property
    def precision(self) -> Precision:
        """Of a step's products; evaluations are in float32 always."""

    def visit(self, model: NextItemGRU, batch: Batch, config: Training, ties: Ties) -> tuple[Tensor, Tensor]:
        """Make the losses that a step learns from, and the ranks by the very same scores.

        Parameters
        ----------
        model
            In training mode.
        batch
            On the device of the model.
        config
            The question; its loss.
        ties
            Where a target stands among items of its own score.

        Returns
        -------
        tuple of torch.Tensor
            (B,) losses in nats, 0 where the target is unknown, to go back from before the next visit; (B,) ranks.
        """

    def evaluate(
        self, model: NextItemGRU, windows: DeviceWindows, indices: Tensor | None, ties: Ties, k: int = 0
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Score windows batch by batch, in order; to be read inside `models.evaluation.frozen`.

        Parameters
        ----------
        model
            On the device of the windows.
        windows
            The split.
        indices
            (W,) int64 windows on the same device; None takes all.
        ties
            Where a target stands among items of its own score.
        k
            How long the lists are that are wanted, 0 to V.

        Yields
        ------
        tuple of torch.Tensor
            (B,) losses in nats, (B,) ranks from 1, (B,) whether the target is in the vocabulary, and (B, k) columns of
            the best scores, the best first; of equal ones either may come first.

        Raises
        ------
        NonFiniteScoresError
            If the model's scores hold NaN or infinity.
        """


class ReferenceBackend:
    """Plain torch on any device: what the other one is tested against.

    Parameters
    ----------
    precision
        Of a step's products: bf16 is torch's own autocast.
    """

    name = "reference"

    def __init__(self, precision: Precision = "fp32") -> None:
        self.precision: Precision = precision

    def visit(self, model: NextItemGRU, batch: Batch, config: Training, ties: Ties) -> tuple[Tensor, Tensor]:
        """As `Backend.visit`."""
        with torch.autocast(batch.history_BL.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            logits_BV = model(batch.history_BL, batch.length_B).float()
        loss_B = training_losses(logits_BV, batch.target_B, config)
        return loss_B, unchecked_target_ranks(logits_BV.detach(), batch.target_B, ties)

    def evaluate(
        self, model: NextItemGRU, windows: DeviceWindows, indices: Tensor | None, ties: Ties, k: int = 0
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """As `Backend.evaluate`."""
        for batch, logits_BV in scored(model, windows, indices):
            rank_B, column_Bk = target_ranks(logits_BV, batch.target_B, ties), logits_BV.topk(k).indices
            yield target_losses(logits_BV, batch.target_B), rank_B, batch.target_B != UNKNOWN, column_Bk


REFERENCE = ReferenceBackend()


def scored(model: NextItemGRU, windows: DeviceWindows, indices: Tensor | None = None) -> Iterator[tuple[Batch, Tensor]]:
    """Score windows batch by batch; to be read inside `models.evaluation.frozen`.

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
    n_windows = len(windows) if indices is None else len(indices)
    for own in batch_slices(n_windows, rows_per_batch(model.n_items, windows.device)):
        batch = windows.cut(own if indices is None else indices[own])
        yield batch, model(batch.history_BL, batch.length_B)


def batch_slices(n_windows: int, rows: int) -> list[slice]:
    """Divide windows into batches.

    Parameters
    ----------
    n_windows
        How many there are.
    rows
        Of a batch; the last may have fewer.

    Returns
    -------
    list of slice
        In order.
    """
    return [slice(start, min(start + rows, n_windows)) for start in range(0, n_windows, rows)]


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
