"""Threads that share the work of a step, each with torch operations of a single thread.

Torch's own threads meet after every operation, a hundred times a step, and where one is held up by another process the
rest wait. A crew meets three times a step.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

import torch

T = TypeVar("T")


class Crew:
    """A fixed number of threads.

    Parameters
    ----------
    size
        How many; 1 works in the caller's own thread.
    pool
        Of that many threads; None for 1.
    """

    def __init__(self, size: int, pool: ThreadPoolExecutor | None) -> None:
        self.size = size
        self._pool = pool

    def each(self, work: Callable[[int], T]) -> list[T]:
        """Have every member do its part at once.

        Parameters
        ----------
        work
            Called with the member's number, from 0.

        Returns
        -------
        list
            What the members returned, in order of their numbers.
        """
        if self._pool is None:
            return [work(0)]
        return list(self._pool.map(work, range(self.size)))


@contextmanager
def crew_of(size: int) -> Iterator[Crew]:
    """Gather a crew for the block.

    Parameters
    ----------
    size
        At least 1.
    """
    if size == 1:
        yield Crew(1, None)
        return
    with ThreadPoolExecutor(size, "crew", _begin) as pool:
        yield Crew(size, pool)


def _begin() -> None:
    # Of the thread that says it, but for MKL, which then uses one thread everywhere: products are the crew's.
    torch.set_num_threads(1)
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
