"""Independent random streams from the one seed of a training.

Each use has a stream of its own, so that drawing more in one (say, a larger probe) changes no other.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream of random numbers is for; the numbers are part of a run's identity, so they stay."""

    WEIGHTS = 0
    ORDER = 1
    PROBE = 2
    DROPOUT = 3


def generator(seed: int, stream: Stream, *index: int) -> np.random.Generator:
    """Make the generator of a stream; it has no history, so any part of a run can be drawn again.

    Parameters
    ----------
    seed
        The training's seed, at least 0.
    stream
        What the numbers are for.
    *index
        Which part of the stream, for instance the epoch.

    Returns
    -------
    numpy.random.Generator
        A PCG64 generator, independent of those of other streams and parts.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(int(stream), *index))
    return np.random.Generator(np.random.PCG64(sequence))


def torch_seed(seed: int, stream: Stream, *index: int) -> int:
    """Draw the seed that a stream gives to torch.

    Parameters
    ----------
    seed
        The training's seed, at least 0.
    stream
        What the numbers are for.
    *index
        Which part of the stream, for instance the process.

    Returns
    -------
    int
        From 0 to below 2**63.
    """
    return int(generator(seed, stream, *index).integers(2**63))
