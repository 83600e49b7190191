"""Threads that share the work of a step, each with torch operations of a single thread.

Torch's own threads meet after every operation, a hundred times a step, and where one is held up by another process the
rest wait. A crew meets three times a step.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

import torch

T = TypeVar("T")


class Crew:
    """A fixed number of threads, the caller's among them.

    Parameters
    ----------
    size
        How many; 1 is the caller alone.
    pool
        Of the others; None for 1.
    """

    def __init__(self, size: int, pool: ThreadPoolExecutor | None) -> None:
        self.size = size
        self._pool = pool

    def each(self, work: Callable[[int], T]) -> list[T]:
        """Have every member do its part at once.

        Parameters
        ----------
        work
            Called with the member's number, from 0, which is the caller; without gradients.

        Returns
        -------
        list
            What the members returned, in order of their numbers.
        """
        others = [] if self._pool is None else [self._pool.submit(work, member) for member in range(1, self.size)]
        try:
            with torch.no_grad():
                own = work(0)
        finally:
            wait(others)  # an error must not leave them at work in memory that is used again
        return [own, *(other.result() for other in others)]


@contextmanager
def crew_of(size: int) -> Iterator[Crew]:
    """Gather a crew for the block, in which torch's own operations use one thread.

    Parameters
    ----------
    size
        At least 1.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if size == 1:
            yield Crew(1, None)
            return
        with ThreadPoolExecutor(size - 1, "crew", _begin) as pool:
            yield Crew(size, pool)
    finally:
        torch.set_num_threads(before)


def _begin() -> None:
    torch.set_num_threads(1)  # of the thread that says it
    torch.set_grad_enabled(False)


def shares(total: int, size: int) -> list[slice]:
    """Divide rows, or columns, as evenly as can be.

    Parameters
    ----------
    total
        How many there are.
    size
        Of the crew.

    Returns
    -------
    list of slice
        One a member, in order, possibly empty.
    """
    bounds = [total * member // size for member in range(size + 1)]
    return [slice(low, high) for low, high in pairwise(bounds)]
