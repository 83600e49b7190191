"""Ranks of targets and the sums that metrics are made of.

Sums and counts are accumulated and divided once, so unequal batches weigh what they hold.

Legend: B batch, V items, K cutoffs, M metrics (1 + 3 K).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from models.errors import NonFiniteScoresError
from models.windows import UNKNOWN

Ties = Literal["expected", "optimistic", "pessimistic"]
NOT_FINITE = (
    "The model's scores hold NaN or infinity, so the targets cannot be ranked. The training that made "
    "its weights diverged: train again with a lower learning rate."
)


def target_losses(logits_BV: Tensor, target_B: Tensor) -> Tensor:
    """Cross-entropy of each window from its logits, never from probabilities.

    Parameters
    ----------
    logits_BV
        (B, V) float32; column j is the item of code j + 1.
    target_B
        (B,) int64 codes, 0 to V.

    Returns
    -------
    torch.Tensor
        (B,) float32, in nats; 0 where the target is unknown, for it has no probability.
    """
    column_B = target_B - 1
    return nn.functional.cross_entropy(logits_BV, column_B, ignore_index=UNKNOWN - 1, reduction="none")


def target_ranks(logits_BV: Tensor, target_B: Tensor, ties: Ties) -> Tensor:
    """Rank each target among all items by score, 1 being the best.

    Parameters
    ----------
    logits_BV
        (B, V) float32 scores; column j is the item of code j + 1.
    target_B
        (B,) int64 codes, 0 to V.
    ties
        Where a target stands among items of its own score: ``optimistic`` first, ``pessimistic`` last,
        ``expected`` in the middle: a model that gives all items one score ranks each at (V + 1) / 2.

    Returns
    -------
    torch.Tensor
        (B,) float64 ranks (float32 on MPS), halves possible; infinity for an unknown target, a miss.

    Raises
    ------
    NonFiniteScoresError
        If a score is NaN or infinite.
    """
    # The sum of finite scores is finite, bar an overflow: one cheap pass clears all but broken batches.
    if not torch.isfinite(logits_BV.sum()) and not torch.isfinite(logits_BV).all():
        raise NonFiniteScoresError(NOT_FINITE)
    return unchecked_target_ranks(logits_BV, target_B, ties)


@torch.no_grad()
def unchecked_target_ranks(logits_BV: Tensor, target_B: Tensor, ties: Ties) -> Tensor:
    """Rank as `target_ranks` does, without waiting for the device to look for NaN.

    For a training step, which has its own test on loss and gradients and one wait for both.

    Parameters
    ----------
    logits_BV
        (B, V) float32 finite scores.
    target_B
        (B,) int64 codes, 0 to V.
    ties
        Where a target stands among items of its own score.

    Returns
    -------
    torch.Tensor
        (B,) float64 ranks (float32 on MPS).
    """
    is_known_B = target_B != UNKNOWN
    column_B = (target_B - 1).clamp_min(0)
    score_B1 = logits_BV.gather(1, column_B.unsqueeze(1))
    # Comparing into floats is vectorised where comparing into bools and counting is not: 4 times faster on
    # a CPU, and exact for as many items as float32 counts (16 million).
    flag_BV = torch.empty_like(logits_BV)
    rank_B = 1 + torch.gt(logits_BV, score_B1, out=flag_BV).sum(1)
    if ties != "optimistic":
        n_equal_B = torch.eq(logits_BV, score_B1, out=flag_BV).sum(1) - 1
        rank_B += n_equal_B * (0.5 if ties == "expected" else 1.0)
    return rank_B.to(sums_dtype(logits_BV.device)).masked_fill(~is_known_B, torch.inf)


def sums_dtype(device: torch.device) -> torch.dtype:
    """Give the type that sums are kept in: float64, or float32 on MPS, which has no float64.

    Parameters
    ----------
    device
        Where the sums are.

    Returns
    -------
    torch.dtype
        A floating type.
    """
    return torch.float32 if device.type == "mps" else torch.float64


@dataclass(frozen=True)
class MetricSums:
    """Sum, sum of squares and count of each metric over the windows seen; they add up with ``+``.

    ``loss`` (nats) counts known targets only; ``hr@k``, ``mrr@k`` and ``ndcg@k`` count all windows, an
    unknown target being a miss. Everything stays on the device until `rows` reads it.
    """

    cutoffs: tuple[int, ...]
    sums_3M: Tensor  # float64 (MPS: float32); rows: sum, sum of squares, count

    @classmethod
    def zero(cls, cutoffs: Sequence[int], device: torch.device) -> "MetricSums":
        """Begin with nothing seen.

        Parameters
        ----------
        cutoffs
            The k of the rank metrics, each at least 1.
        device
            Where to accumulate.

        Returns
        -------
        MetricSums
            All zero.
        """
        sums_3M = torch.zeros(3, 1 + 3 * len(cutoffs), dtype=sums_dtype(device), device=device)
        return cls(tuple(cutoffs), sums_3M)

    @classmethod
    @torch.no_grad()
    def of_batch(cls, loss_B: Tensor, rank_B: Tensor, is_known_B: Tensor, cutoffs: Sequence[int]) -> "MetricSums":
        """Sum over one batch.

        Parameters
        ----------
        loss_B
            (B,) nats, 0 where the target is unknown.
        rank_B
            (B,) ranks from 1, infinity for a miss whatever the cutoff.
        is_known_B
            (B,) bool, whether the target is in the vocabulary.
        cutoffs
            The k of the rank metrics.

        Returns
        -------
        MetricSums
            Of this batch alone.
        """
        rank_B = rank_B.to(sums_dtype(rank_B.device))
        hr_KB = torch.stack([rank_B <= k for k in cutoffs]).to(rank_B.dtype)
        # One relevant item a window, so the ideal DCG is 1 and NDCG is the discount of its rank.
        mrr_KB, ndcg_KB = hr_KB / rank_B, hr_KB / torch.log2(rank_B + 1)
        value_MB = torch.cat([loss_B.to(rank_B.dtype).unsqueeze(0), hr_KB, mrr_KB, ndcg_KB])
        count_M = value_MB.new_full((len(value_MB),), len(rank_B))
        count_M[0] = is_known_B.sum()
        return cls(tuple(cutoffs), torch.stack([value_MB.sum(1), value_MB.square().sum(1), count_M]))

    def __add__(self, other: "MetricSums") -> "MetricSums":
        return MetricSums(self.cutoffs, self.sums_3M + other.sums_3M)

    @property
    def names(self) -> tuple[str, ...]:
        """The M metrics, in the order of the columns."""
        rank_names = [f"{name}@{k}" for name in ("hr", "mrr", "ndcg") for k in self.cutoffs]
        return ("loss", *rank_names)

    def rows(self) -> dict[str, tuple[float, float, int]]:
        """Read the sums, waiting for the device.

        Returns
        -------
        dict
            From metric to (sum, sum of squares, count).
        """
        total_M, square_M, count_M = self.sums_3M.tolist()
        rows = zip(self.names, total_M, square_M, count_M, strict=True)
        return {name: (total, square, int(count)) for name, total, square, count in rows}
