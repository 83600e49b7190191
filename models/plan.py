"""What a training has settled before its first step: windows on the device, places of evaluation, sizes.

Legend: W windows of the probe.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.batches import DeviceWindows, on_device
from models.cadence import Cadence, cadence
from models.config import Training
from models.errors import ModelError
from models.evaluation import Scoring
from models.orders import Order, order_of
from models.progress import OnProgress
from models.quarters import QuarterStatistics, quarter_statistics
from models.schedules import Rates, rates
from models.seeds import Stream, generator
from models.windows import TrainingData, WindowSet


@dataclass(frozen=True)
class Phase:
    """A stretch of an epoch, told as one by every table."""

    number: int  # from 1
    start: int  # steps of the epoch before it
    end: int  # steps of the epoch with it
    is_evaluated: bool  # whether an evaluation follows


@dataclass(frozen=True)
class Plan:
    """What stays the same from step to step."""

    config: Training
    scoring: Scoring
    train: DeviceWindows
    validation: DeviceWindows
    probe_W: Tensor  # training windows, sorted
    cadence: Cadence
    order: Order
    rates: Rates
    statistics: QuarterStatistics
    steps_per_epoch: int
    n_steps: int
    on_progress: OnProgress

    def steps_in(self, epoch: int) -> int:
        """Count the steps of an epoch, fewer in one that the training stops inside of.

        Parameters
        ----------
        epoch
            Counted from 0.

        Returns
        -------
        int
            At most ``steps_per_epoch``.
        """
        return min(self.steps_per_epoch, self.n_steps - epoch * self.steps_per_epoch)

    def phases(self, epoch: int) -> list[Phase]:
        """List the phases of an epoch: the stretches that end with an evaluation, or the whole if there is none.

        Parameters
        ----------
        epoch
            Counted from 0.

        Returns
        -------
        list of Phase
            In order, without gaps, at least one.
        """
        evaluations = self.evaluations(epoch)
        ends = evaluations or (self.steps_in(epoch),)
        starts = (0, *ends[:-1])
        spans = enumerate(zip(starts, ends, strict=True), start=1)
        return [Phase(number, start, end, is_evaluated=bool(evaluations)) for number, (start, end) in spans]

    def visits(self, epoch: int) -> NDArray[np.int64]:
        """Draw the order of an epoch.

        Parameters
        ----------
        epoch
            Counted from 0.

        Returns
        -------
        numpy.ndarray
            (N,) int64 training windows; N is how many there are.
        """
        return self.order(len(self.train), self.config.seed, epoch)

    def evaluations(self, epoch: int) -> tuple[int, ...]:
        """List the steps into an epoch after which to evaluate.

        Parameters
        ----------
        epoch
            Counted from 0.

        Returns
        -------
        tuple of int
            Increasing, possibly none.
        """
        is_last = self.n_steps <= (epoch + 1) * self.steps_per_epoch
        return self.cadence.within(epoch, self.steps_in(epoch), is_last=is_last)


def make_plan(data: TrainingData, config: Training, device: torch.device, on_progress: OnProgress) -> Plan:
    """Settle a training.

    Parameters
    ----------
    data
        The windows.
    config
        The question.
    device
        Where to run.
    on_progress
        To be told how far the training is.

    Returns
    -------
    Plan
        The same for the same arguments.

    Raises
    ------
    ModelError
        If the training or validation split is empty or holds a code above V.
    """
    _require_usable("training", data.train, data.n_items)
    _require_usable("validation", data.validation, data.n_items)
    n_windows = len(data.train)
    steps_per_epoch = math.ceil(n_windows / config.batch_size)
    whole = config.epochs * steps_per_epoch
    n_steps = min(whole, config.max_steps or whole)
    n_probe = min(config.probe_windows, n_windows)
    probe_W = generator(config.seed, Stream.PROBE).choice(n_windows, n_probe, replace=False, shuffle=False)
    probe_W.sort()  # neighbouring windows share pages of the mapped events
    return Plan(
        config=config,
        scoring=Scoring(config.cutoffs, config.ties),
        train=on_device(data.train, device),
        validation=on_device(data.validation, device),
        probe_W=torch.from_numpy(probe_W).to(device),
        cadence=cadence(config.evaluate_every, steps_per_epoch, config.batch_size),
        order=order_of(config),
        rates=rates(config.schedule, n_steps, steps_per_epoch, config.batch_size),
        statistics=quarter_statistics(data.train, data.n_items),
        steps_per_epoch=steps_per_epoch,
        n_steps=n_steps,
        on_progress=on_progress,
    )


def _require_usable(name: str, windows: WindowSet, n_items: int) -> None:
    if len(windows) == 0:
        message = f"The {name} split holds no windows: there is nothing to learn from or to judge by."
        raise ModelError(message)
    low, high = int(windows.events.min()), int(windows.events.max())
    if low < 0 or high > n_items:
        message = (
            f"The {name} events hold codes from {low} to {high}, but the vocabulary's go from 0 to {n_items}. "
            "Windows and vocabulary are of two datasets: extract them together."
        )
        raise ModelError(message)
