"""The processes that train one model together: what each takes of the work, and what they tell each other.

One process alone tells nobody, and uses nothing of `torch.distributed`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from models.crew import shares


@dataclass(frozen=True)
class World:
    """A process among those of its training. What shares or sums is to be called by all of them, in the same order."""

    rank: int  # from 0; the first one writes
    size: int

    def share(self, total: int) -> slice:
        """Say which rows of a batch, or windows of a split, are this process's.

        Parameters
        ----------
        total
            How many there are.

        Returns
        -------
        slice
            Possibly empty.
        """
        return shares(total, self.size)[self.rank]

    def sum_(self, tensor: Tensor) -> Tensor:
        """Replace a tensor, in place, by its sum over the processes: the same bits in each.

        Parameters
        ----------
        tensor
            Of the same shape in each.

        Returns
        -------
        torch.Tensor
            The tensor.
        """
        if self.size > 1:
            torch.distributed.all_reduce(tensor)
        return tensor

    def collect_(self, tensor: Tensor) -> None:
        """Move a sum, in place, to the first process; the others begin anew, so that the sum over all is what it was.

        Parameters
        ----------
        tensor
            Of the same shape in each.
        """
        if self.size > 1:
            torch.distributed.reduce(tensor, 0)
            if self.rank > 0:
                tensor.zero_()

    def largest(self, number: int) -> int:
        """Agree on a number, on the CPU: a wait for the slowest, not for its device.

        Parameters
        ----------
        number
            This process's.

        Returns
        -------
        int
            The largest of all.
        """
        if self.size == 1:
            return number
        agreed = torch.tensor(number)
        torch.distributed.all_reduce(agreed, torch.distributed.ReduceOp.MAX)
        return int(agreed)


ALONE = World(0, 1)


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Join the others that ``torchrun`` started, for the block: by gloo on a CPU, by NCCL between GPUs.

    Parameters
    ----------
    device
        This process's.

    Yields
    ------
    World
        With this process's rank.
    """
    import torch.distributed as dist

    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
