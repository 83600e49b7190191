"""How long ago each visited window was last visited, and what its loss is by that age: the forgetting curve.

Legend: W windows, B batch, A ages (bins).
"""

import math

import torch
from torch import Tensor

from models.curves import ForgettingRecord
from models.metrics import sums_dtype
from models.state import Visits

BINS_PER_EPOCH = 8
OVERFLOW = 4 * BINS_PER_EPOCH
"""The bin of all ages from 4 epochs on; under replacement e^-4 (2 %) of all visits."""
FIRST_VISIT = OVERFLOW + 1


class AgeLedger:
    """Sums of loss and hits by age, since they were last told.

    An age is counted in steps, for it is by steps that weights move away: the two visits of a window that is
    drawn twice in a batch have the same age, counted from an earlier batch. Everything stays on the device, 4 bytes a
    window and some sums; no step waits for it.

    Parameters
    ----------
    n_windows
        W.
    steps_per_epoch
        To say ages in epochs.
    device
        That of the windows.
    """

    def __init__(self, n_windows: int, steps_per_epoch: int, device: torch.device) -> None:
        self.steps_per_epoch = steps_per_epoch
        self.last_step_W = torch.zeros(n_windows, dtype=torch.int32, device=device)  # 0: never
        self.sums_5A = torch.zeros(5, FIRST_VISIT + 1, dtype=sums_dtype(device), device=device)

    @torch.no_grad()
    def visit(self, step: int, indices_B: Tensor, visits: Visits) -> None:
        """Take note of a batch.

        Parameters
        ----------
        step
            From 1, counted on from batch to batch.
        indices_B
            (B,) int64 windows visited, those of other processes among them.
        visits
            What was found of this process's.
        """
        last_B = self.last_step_W[indices_B]
        bin_B = (step - last_B).mul_(BINS_PER_EPOCH).div_(self.steps_per_epoch, rounding_mode="floor")
        bin_B = bin_B.clamp_max_(OVERFLOW).masked_fill_(last_B == 0, FIRST_VISIT)
        self.last_step_W[indices_B] = step
        value_5B = self.sums_5A.new_ones(5, len(visits.loss_B))
        value_5B[0] = visits.loss_B
        torch.square(value_5B[0], out=value_5B[1])
        value_5B[2] = visits.is_known_B
        value_5B[3] = visits.is_hit_B
        self.sums_5A.index_add_(1, bin_B[visits.rows], value_5B)

    def tell(self, epoch: int, phase: int) -> list[ForgettingRecord]:
        """Read the sums, waiting for the device, and begin them anew; who was visited when is remembered.

        Parameters
        ----------
        epoch
            From 1.
        phase
            From 1.

        Returns
        -------
        list of ForgettingRecord
            One an age at which there were visits, the youngest first and first visits last.
        """
        rows = self.sums_5A.T.tolist()
        self.sums_5A.zero_()
        return [_record(epoch, phase, age, sums) for age, sums in enumerate(rows) if sums[-1]]


def _record(epoch: int, phase: int, age: int, sums: list[float]) -> ForgettingRecord:
    loss_sum, loss_sum_sq, loss_count, hits, count = sums
    low = None if age == FIRST_VISIT else age / BINS_PER_EPOCH
    high = None if low is None else math.inf if age == OVERFLOW else (age + 1) / BINS_PER_EPOCH
    return ForgettingRecord(epoch, phase, low, high, loss_sum, loss_sum_sq, int(loss_count), int(hits), int(count))
