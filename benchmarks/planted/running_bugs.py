"""Bugs of the running metric: what is summed between two evaluations, and what it is divided by.

Legend: M metrics.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from models.config import Training
from models.metrics import MetricSums
from models.state import TrainingState
from models.windows import TrainingData
from planted.bugs import Calls, Hooks, replaced, steps_per_epoch


def never_reset(data: TrainingData, config: Training) -> AbstractContextManager[Hooks]:
    """Go on summing the running metrics from the first step of all."""
    return _running_kept(data, config, until_epoch_ends=False)


def reset_each_epoch(data: TrainingData, config: Training) -> AbstractContextManager[Hooks]:
    """Sum the running metrics from the epoch's beginning and not from the last evaluation, as Keras and tqdm do."""
    return _running_kept(data, config, until_epoch_ends=True)


@contextmanager
def _running_kept(data: TrainingData, config: Training, *, until_epoch_ends: bool) -> Iterator[Hooks]:
    forget, per_epoch = TrainingState.forget_running, steps_per_epoch(data, config)

    def wrong(calls: Calls) -> Callable[[TrainingState], None]:
        def forget_little(self: TrainingState) -> None:
            calls.count += 1
            running = self.running
            forget(self)
            if self.step % per_epoch or not until_epoch_ends:
                self.running = running

        return forget_little

    with replaced(TrainingState, "forget_running", wrong):
        yield Hooks()


@contextmanager
def _batches_summed_as(change: Callable[[Tensor], Tensor]) -> Iterator[Hooks]:
    """Change the (3, M) sum, sum of squares and count of each train batch; evaluation is left alone."""
    of_batch = MetricSums.of_batch

    def wrong(calls: Calls) -> object:
        def summed(_cls: type, *arguments: object) -> MetricSums:
            sums = of_batch(*arguments)  # type: ignore[arg-type]
            if torch.is_inference_mode_enabled():
                return sums
            calls.count += 1
            return replace(sums, sums_3M=change(sums.sums_3M))

        return classmethod(summed)

    with replaced(MetricSums, "of_batch", wrong):
        yield Hooks()


def mean_of_means(_data: TrainingData, _config: Training) -> AbstractContextManager[Hooks]:
    """Average the means of batches, so that a batch of one window weighs as much as a full one."""
    return _batches_summed_as(lambda sums_3M: sums_3M / sums_3M[2:])


def last_batch_as_full(_data: TrainingData, config: Training) -> AbstractContextManager[Hooks]:
    """Multiply each batch's mean by the batch size asked for, and divide by the windows there were."""

    def change(sums_3M: Tensor) -> Tensor:
        weight_M = config.batch_size / sums_3M[2]
        return torch.stack([sums_3M[0] * weight_M, sums_3M[1] * weight_M, sums_3M[2]])

    return _batches_summed_as(change)


def wrong_count(_data: TrainingData, config: Training) -> AbstractContextManager[Hooks]:
    """Divide by batches times batch size, although the last batch is smaller."""

    def change(sums_3M: Tensor) -> Tensor:
        return torch.stack([sums_3M[0], sums_3M[1], torch.full_like(sums_3M[2], config.batch_size)])

    return _batches_summed_as(change)
