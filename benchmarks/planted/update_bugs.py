"""Bugs of the update: gradients, the optimizer's moments, and the rate of each step."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from models import optimizers, plan, schedules, state
from models.config import Training
from models.progress import Progress
from models.schedules import Rates
from models.windows import TrainingData
from planted.bugs import Calls, Hooks, replaced, steps_per_epoch


@contextmanager
def _built_optimizer(change: Callable[[torch.optim.Optimizer], None]) -> Iterator[None]:
    build = optimizers.build_optimizer

    def wrong(calls: Calls) -> Callable[..., torch.optim.Optimizer]:
        def built(*arguments: object) -> torch.optim.Optimizer:
            calls.count += 1
            optimizer = build(*arguments)  # type: ignore[arg-type]
            change(optimizer)
            return optimizer

        return built

    with replaced(state, "build_optimizer", wrong):
        yield


@contextmanager
def gradients_kept(_data: TrainingData, _config: Training) -> Iterator[Hooks]:
    """Leave out ``zero_grad()``: each step goes along the sum of all gradients so far."""
    calls = Calls()

    def keep(optimizer: torch.optim.Optimizer) -> None:
        assert hasattr(optimizer, "zero_grad")

        def zero_nothing(*_arguments: object, **_named: object) -> None:
            calls.count += 1

        optimizer.zero_grad = zero_nothing  # type: ignore[method-assign]

    with _built_optimizer(keep):
        yield Hooks()
    assert calls.count, "zero_grad is never called any more: plant this bug elsewhere"


@contextmanager
def moments_lost_each_epoch(data: TrainingData, config: Training) -> Iterator[Hooks]:
    """Build the optimizer anew where an epoch begins, so that its moments begin at zero."""
    per_epoch, built = steps_per_epoch(data, config), list[torch.optim.Optimizer]()

    def lose(progress: Progress) -> None:
        if progress.points and progress.step % per_epoch == 0:
            built[-1].state.clear()

    with _built_optimizer(built.append):
        yield Hooks(lose)


@dataclass(frozen=True)
class _Restarted(Rates):
    """A cosine from the rate to a hundredth of it, over and over again."""

    period_steps: int = 1

    def share(self, step: int) -> float:
        """Say the share of the rate for an update."""
        progress = (step % self.period_steps) / self.period_steps
        return 0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2


@contextmanager
def restarted_each_epoch(_data: TrainingData, _config: Training) -> Iterator[Hooks]:
    """Restart a cosine schedule at each epoch's beginning (Loshchilov & Hutter, arXiv 1608.03983)."""
    rates = schedules.rates

    def wrong(calls: Calls) -> Callable[..., Rates]:
        def restarted(schedule: object, n_steps: int, per_epoch: int, batch_size: int) -> Rates:
            calls.count += 1
            usual = rates(schedule, n_steps, per_epoch, batch_size)  # type: ignore[arg-type]
            return _Restarted(usual.schedule, n_steps, usual.warmup_steps, usual.every_steps, per_epoch)

        return restarted

    with replaced(plan, "rates", wrong):
        yield Hooks()
