"""Losses, ranks and best columns of an evaluation, a block of the catalogue at a time: no block is kept.

A target's rank counts the scores above its own, which is known for sure only when its block has come. Until then a
score computed apart stands for it, with a bound on how far off it can be; the few scores within this bound are kept and
told apart at the end. Where they are more than few (many items of one score) the catalogue is gone over again.

Legend: B batch, H state, V items, C columns of a block, k best, N scores close to the target's.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from models.crew import shares
from models.fused_head import BLOCK_SCORES, ranks
from models.kernels import add_bias, count
from models.metrics import Ties
from models.scratch import Scratch
from models.survey import keep_best, survey
from models.windows import UNKNOWN

_FEW = 32
_LONGEST_LIST = 128
"""That is kept in order while scores are gone over; longer ones are found sooner by sorting."""
_EPSILON = torch.finfo(torch.float32).eps


def frozen_losses_and_ranks(
    state_BH: Tensor,
    weight_VH: Tensor,
    bias_V: Tensor | None,
    target_B: Tensor,
    ties: Ties,
    scratch: Scratch,
    k: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Say how each target fares, and which columns are the best, with no way back; by one thread.

    Parameters
    ----------
    state_BH, weight_VH, bias_V, target_B, ties
        As for `models.fused_head.losses_and_ranks`.
    scratch
        Holds a block of scores.
    k
        How many of the best columns, 0 to V.

    Returns
    -------
    tuple
        As of `models.fused_head.losses_and_ranks`, but a loss is NaN wherever a score is NaN or infinite, unknown
        target or not; and (B, k) int64 columns, the best first.
    """
    bias_V = weight_VH.new_zeros(len(weight_VH)) if bias_V is None else bias_V.detach()
    layer, column_B = (state_BH, weight_VH.detach(), bias_V), (target_B - 1).clamp_min_(0)
    known = _Known(column_B, *_bounds(*layer, column_B))
    best_Bk, column_Bk = torch.full((len(state_BH), k), -torch.inf), torch.zeros(len(state_BH), k, dtype=torch.int64)
    for columns, score_BC in _blocks(*layer, known.largest_B, scratch):
        known.take(columns.start, score_BC)
        _keep_best(best_Bk, column_Bk, columns.start, score_BC)
    above_B, equal_B = known.counts() or _counted(*layer, known.score_B, scratch)
    loss_B = (known.largest_B + known.sum_B.log() - known.score_B).float()
    is_unknown_B = (target_B == UNKNOWN) & loss_B.isfinite()
    return loss_B.masked_fill_(is_unknown_B, 0.0), ranks(above_B, equal_B, target_B, ties), column_Bk


class _Known:
    """What is known of each row's scores, block after block.

    Parameters
    ----------
    column_B
        The targets'.
    low_B, high_B
        Between these is the target's score.
    """

    def __init__(self, column_B: Tensor, low_B: Tensor, high_B: Tensor) -> None:
        n_rows = len(column_B)
        self.score_B, self.largest_B, scaled_B = torch.full((3, n_rows), -torch.inf)
        self.sum_B = torch.zeros(n_rows, dtype=torch.float64)
        self._above_B, self._n_close_B = torch.zeros(2, n_rows, dtype=torch.int32)
        self._close_BN = torch.full((n_rows, _FEW), -torch.inf)
        kept = (column_B, self.score_B, self.largest_B, scaled_B, low_B, high_B, self.sum_B, self._above_B)
        self._arrays = [each.numpy() for each in (*kept, self._n_close_B, self._close_BN)]

    def take(self, first: int, score_BC: Tensor) -> None:
        """Take a block from a column on, its largest scores already noted."""
        survey(score_BC.numpy(), first, *self._arrays)

    def counts(self) -> tuple[Tensor, Tensor] | None:
        """Return how many scores are above the targets', and equal to them; None where too many are close to tell."""
        if (self._n_close_B > _FEW).any():
            return None
        score_B1 = self.score_B.unsqueeze(1)
        return self._above_B + (self._close_BN > score_B1).sum(1), (self._close_BN == score_B1).sum(1)


def _bounds(state_BH: Tensor, weight_VH: Tensor, bias_V: Tensor, column_B: Tensor) -> tuple[Tensor, Tensor]:
    """Return below and above what each target's score must be, in whatever order its products were added up."""
    product_BH, bias_B = state_BH * weight_VH[column_B], bias_V[column_B]
    # Twice what float32 can lose in a sum of H + 1 numbers (Higham, Accuracy and Stability of Numerical Algorithms).
    bound_B = (product_BH.abs().sum(1) + bias_B.abs()) * (2 * (state_BH.shape[1] + 2) * _EPSILON)
    near_B = product_BH.sum(1) + bias_B
    return near_B - bound_B, near_B + bound_B


def _blocks(
    state_BH: Tensor, weight_VH: Tensor, bias_V: Tensor, largest_B: Tensor, scratch: Scratch
) -> Iterator[tuple[slice, Tensor]]:
    """Yield columns and their (B, C) scores, each in the memory of the one before; raise the largest of each row."""
    n_rows, n_items = len(state_BH), len(weight_VH)
    for columns in shares(n_items, max(1, round(n_items * n_rows / BLOCK_SCORES))):
        score_BC = scratch.take("scores", n_rows, columns.stop - columns.start)
        torch.mm(state_BH, weight_VH[columns].T, out=score_BC)
        add_bias(score_BC.numpy(), bias_V[columns].numpy(), largest_B.numpy())
        yield columns, score_BC


def _keep_best(best_Bk: Tensor, column_Bk: Tensor, first: int, score_BC: Tensor) -> None:
    """Take a block into the lists."""
    k = best_Bk.shape[1]
    if k <= _LONGEST_LIST:
        keep_best(score_BC.numpy(), first, best_Bk.numpy(), column_Bk.numpy())
        return
    found = torch.cat([best_Bk, score_BC], 1).topk(k)
    new_BC = torch.arange(first, first + score_BC.shape[1]).expand_as(score_BC)
    column_Bk.copy_(torch.cat([column_Bk, new_BC], 1).gather(1, found.indices))
    best_Bk.copy_(found.values)


def _counted(
    state_BH: Tensor, weight_VH: Tensor, bias_V: Tensor, score_B: Tensor, scratch: Scratch
) -> tuple[Tensor, Tensor]:
    """Return how many scores are above the targets', and equal to them, by going over the catalogue again."""
    above_B, equal_B, largest_B = *torch.zeros(2, len(score_B), dtype=torch.int32), torch.empty_like(score_B)
    for _, score_BC in _blocks(state_BH, weight_VH, bias_V, largest_B, scratch):
        count(score_BC.numpy(), score_B.numpy(), above_B.numpy(), equal_B.numpy())
    return above_B, equal_B
