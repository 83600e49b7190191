"""Output layer, cross-entropy and rank as one operation over blocks of the catalogue that fit the cache.

The same mathematics as ``linear`` followed by ``cross_entropy``. Scores are made once, a block of columns at a time, in
memory that is kept; they become exponentials in place, and from these the gradients need no further pass: the
softmax's sum divides the rows of the states, which are few, instead of the scores. The catalogue is shared out to a
crew, so that no two members add to the same weight. On the CPU.

Legend: B batch, H state, V items, C columns of a block, M members of the crew.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.crew import Crew, shares
from models.kernels import add_bias, add_columns, count, exponentiate
from models.metrics import Ties
from models.products import Products
from models.scratch import Scratch
from models.windows import UNKNOWN

BLOCK_SCORES = 2**18
"""Scores of a block: 1 MB, the second cache of a core."""


@dataclass(frozen=True)
class HeadWork:
    """A crew and its memory."""

    crew: Crew
    scratches: tuple[Scratch, ...]  # one a member
    products: Products


@dataclass(frozen=True)
class _Blocks:
    """One member's part of the catalogue."""

    columns: list[slice]
    scores: list[Tensor]  # (B, C) each
    scratch: Scratch


def losses_and_ranks(
    state_BH: Tensor, weight_VH: Tensor, bias_V: Tensor | None, target_B: Tensor, ties: Ties, work: HeadWork
) -> tuple[Tensor, Tensor]:
    """Score the catalogue and say how each target fares.

    Parameters
    ----------
    state_BH
        (B, H) float32 on the CPU.
    weight_VH, bias_V
        Of the output layer; row j is the item of code j + 1.
    target_B
        (B,) int64 codes, 0 to V.
    ties
        Where a target stands among items of its own score.
    work
        Holds one batch at a time: go back before going forward again.

    Returns
    -------
    loss_B
        (B,) float32 nats; 0 where the target is unknown; NaN where a score is.
    rank_B
        (B,) float64 from 1; infinity where the target is unknown. Without gradient.
    """
    bias_V = weight_VH.new_zeros(len(weight_VH)) if bias_V is None else bias_V
    loss_B, above_B, equal_B = _Losses.apply(  # type: ignore[no-untyped-call]
        state_BH, weight_VH, bias_V, target_B, work
    )
    return loss_B, ranks(above_B, equal_B, target_B, ties)


def ranks(above_B: Tensor, equal_B: Tensor, target_B: Tensor, ties: Ties) -> Tensor:
    """Turn counts into ranks.

    Parameters
    ----------
    above_B, equal_B
        (B,) how many scores are above the target's, and equal to it (its own is).
    target_B
        (B,) codes.
    ties
        Where a target stands among items of its own score.

    Returns
    -------
    torch.Tensor
        (B,) float64 from 1; infinity where the target is unknown.
    """
    rank_B = 1 + above_B.double()
    if ties != "optimistic":
        rank_B += (equal_B - 1) * (0.5 if ties == "expected" else 1.0)
    return rank_B.masked_fill_(target_B == UNKNOWN, torch.inf)


class _Losses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, state_BH: Tensor, weight_VH: Tensor, bias_V: Tensor, target_B: Tensor, work: HeadWork
    ) -> tuple[Tensor, Tensor, Tensor]:
        n_rows, crew = len(state_BH), work.crew
        parts = shares(len(weight_VH), crew.size)
        column_B = (target_B - 1).clamp_min_(0)
        largest_MB = torch.full((crew.size, n_rows), -torch.inf)
        sum_MB = torch.zeros(crew.size, n_rows, dtype=torch.float64)
        above_MB, equal_MB = torch.zeros(2, crew.size, n_rows, dtype=torch.int32)

        def score(member: int) -> _Blocks:
            own = parts[member], largest_MB[member], work.scratches[member]
            return _score(state_BH, weight_VH, bias_V, *own, work.products)

        blocks = crew.each(score)
        largest_B, score_B = largest_MB.amax(0), _gather(blocks, column_B)

        def tally(member: int) -> None:
            _tally(blocks[member], largest_B, score_B, sum_MB[member], above_MB[member], equal_MB[member])

        crew.each(tally)
        sum_B = sum_MB.sum(0)
        loss_B = (largest_B + sum_B.log() - score_B).float()
        above_B, equal_B = above_MB.sum(0), equal_MB.sum(0)
        ctx.blocks, ctx.sum_B, ctx.work = blocks, sum_B, work
        ctx.save_for_backward(state_BH, weight_VH, column_B, target_B)
        ctx.mark_non_differentiable(above_B, equal_B)
        return loss_B.masked_fill_(target_B == UNKNOWN, 0.0), above_B, equal_B

    @staticmethod
    def backward(ctx: Any, back_B: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        state_BH, weight_VH, column_B, target_B = ctx.saved_tensors
        back_B1 = back_B.masked_fill(target_B == UNKNOWN, 0.0).unsqueeze(1)
        share_B1 = (back_B1.double() / ctx.sum_B.unsqueeze(1)).float()
        shared_BH, by_weight_VH, by_bias_V = (
            share_B1 * state_BH,
            torch.empty_like(weight_VH),
            weight_VH.new_empty(len(weight_VH)),
        )

        def go_back(member: int) -> Tensor:
            own = ctx.blocks[member], weight_VH, shared_BH, share_B1.squeeze(1), by_weight_VH, by_bias_V
            return _go_back(*own, ctx.work.products)

        by_state_BH = torch.stack(ctx.work.crew.each(go_back)).sum(0).mul_(share_B1)
        # What the target itself adds to the softmax's gradient: -1 in its column.
        by_state_BH.addcmul_(weight_VH[column_B], back_B1, value=-1)
        by_weight_VH.index_add_(0, column_B, state_BH * back_B1, alpha=-1)
        by_bias_V.index_add_(0, column_B, back_B1.squeeze(1), alpha=-1)
        return by_state_BH, by_weight_VH, by_bias_V, None, None


def _score(
    state_BH: Tensor,
    weight_VH: Tensor,
    bias_V: Tensor,
    part: slice,
    largest_B: Tensor,
    scratch: Scratch,
    products: Products,
) -> _Blocks:
    n_rows = len(state_BH)
    n_blocks = max(1, round((part.stop - part.start) * n_rows / BLOCK_SCORES))
    columns = [
        slice(part.start + each.start, part.start + each.stop) for each in shares(part.stop - part.start, n_blocks)
    ]
    flat = scratch.take("scores", n_rows * (part.stop - part.start))
    scores, place = [], 0
    for block in columns:
        size = n_rows * (block.stop - block.start)
        score_BC = flat[place : place + size].view(n_rows, -1)
        products.into(score_BC, state_BH, weight_VH[block].T)
        add_bias(score_BC.numpy(), bias_V[block].numpy(), largest_B.numpy())
        scores.append(score_BC)
        place += size
    return _Blocks(columns, scores, scratch)


def _gather(blocks: list[_Blocks], column_B: Tensor) -> Tensor:
    """Return the score of each row's own column."""
    score_B = torch.empty(len(column_B))
    for member in blocks:
        for columns, score_BC in zip(member.columns, member.scores, strict=True):
            row = ((column_B >= columns.start) & (column_B < columns.stop)).nonzero().squeeze(1)
            score_B[row] = score_BC[row, column_B[row] - columns.start]
    return score_B


def _tally(
    blocks: _Blocks, largest_B: Tensor, score_B: Tensor, sum_B: Tensor, above_B: Tensor, equal_B: Tensor
) -> None:
    largest, score, total, above, equal = (each.numpy() for each in (largest_B, score_B, sum_B, above_B, equal_B))
    for score_BC in blocks.scores:
        count(score_BC.numpy(), score, above, equal)
        exponentiate(score_BC.numpy(), largest, total)


def _go_back(
    blocks: _Blocks,
    weight_VH: Tensor,
    shared_BH: Tensor,
    share_B: Tensor,
    by_weight_VH: Tensor,
    by_bias_V: Tensor,
    products: Products,
) -> Tensor:
    """Fill the gradients by weights and bias, but for the targets' own; return a part of the one by the states."""
    by_state_BH = blocks.scratch.take("by state", *shared_BH.shape).zero_()
    for columns, exponential_BC in zip(blocks.columns, blocks.scores, strict=True):
        factor_BC = products.ready(exponential_BC)
        products.onto(by_state_BH, factor_BC, weight_VH[columns])
        products.into(by_weight_VH[columns], factor_BC.T, shared_BH)
        add_columns(exponential_BC.numpy(), share_B.numpy(), by_bias_V[columns].numpy())
    return by_state_BH
