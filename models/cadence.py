"""When a training evaluates: a duration in steps, epochs or samples, turned into steps once.

Evaluations restart with every epoch and the last of them is exactly at its end, so that "the first
evaluation of an epoch" means the same thing in every epoch, whatever the sizes.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from models.config import Duration


@dataclass(frozen=True)
class Cadence:
    """Where evaluations fall."""

    offsets: tuple[int, ...]  # steps into an evaluated epoch, increasing; the last is the epoch's last step
    every_epochs: int  # every how many epochs there are evaluations at all

    def within(self, epoch: int, limit: int, *, is_last: bool) -> tuple[int, ...]:
        """List the evaluations of one epoch; the n-th of them is phase n.

        Parameters
        ----------
        epoch
            Counted from 0.
        limit
            Steps that this epoch takes; fewer than a whole epoch's where a training stops inside it.
        is_last
            Whether the training ends with this epoch, which is evaluated in any case.

        Returns
        -------
        tuple of int
            Steps into the epoch, increasing, ending with ``limit``; empty if the epoch is not evaluated.
        """
        if not is_last and (epoch + 1) % self.every_epochs:
            return ()
        return (*(offset for offset in self.offsets if offset < limit), limit)


def cadence(every: Duration, steps_per_epoch: int, batch_size: int) -> Cadence:
    """Turn a duration between evaluations into steps.

    Parameters
    ----------
    every
        Between evaluations. More than an epoch is rounded to whole epochs, less than a step is one step.
    steps_per_epoch
        S, at least 1, the last partial batch included.
    batch_size
        Windows a step.

    Returns
    -------
    Cadence
        Offsets within an epoch, and every how many epochs.
    """
    stride = interval_steps(every, steps_per_epoch, batch_size)
    every_epochs = max(1, math.floor(stride / steps_per_epoch + Fraction(1, 2)))
    return Cadence(evaluation_steps(every, steps_per_epoch, batch_size), every_epochs)


def evaluation_steps(every: Duration, steps_per_epoch: int, batch_size: int) -> tuple[int, ...]:
    """List the evaluations inside an epoch: each the first step at or past a multiple of the duration.

    Parameters
    ----------
    every
        Between evaluations.
    steps_per_epoch
        S, at least 1.
    batch_size
        Windows a step.

    Returns
    -------
    tuple of int
        Strictly increasing steps from 1, the last one S.
    """
    stride = interval_steps(every, steps_per_epoch, batch_size)
    before_end = range(1, math.ceil(steps_per_epoch / stride))
    offsets = {math.ceil(stride * multiple) for multiple in before_end}
    return tuple(sorted(offsets | {steps_per_epoch}))


def interval_steps(every: Duration, steps_per_epoch: int, batch_size: int) -> Fraction:
    """Say a duration in steps, exactly, as the fraction that was meant.

    Parameters
    ----------
    every
        A duration.
    steps_per_epoch
        S, at least 1.
    batch_size
        Windows a step.

    Returns
    -------
    fractions.Fraction
        Steps, at least 1.
    """
    steps_per_unit = {
        "steps": Fraction(1),
        "epochs": Fraction(steps_per_epoch),
        "samples": Fraction(1, batch_size),
    }
    # The float 0.1 is a little more than a tenth, and the ceilings of its multiples would be a step late.
    value = Fraction(every.value).limit_denominator(1_000_000)
    return max(Fraction(1), value * steps_per_unit[every.unit])
