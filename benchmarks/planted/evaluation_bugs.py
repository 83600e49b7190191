"""Bugs of evaluation: the model's mode, and which windows are evaluated.

Legend: W windows.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch

from models import evaluation
from models.batches import on_device
from models.config import Training
from models.curves import CurvePoint, Moment, curve_points
from models.gru import NextItemGRU
from models.progress import Progress
from models.windows import TrainingData
from planted.bugs import Calls, Hooks, replaced, steps_per_epoch

_QUARTERS = 4


@contextmanager
def evaluated_in_training_mode(_data: TrainingData, _config: Training) -> Iterator[Hooks]:
    """Forget ``model.eval()``: dropout stays on in evaluation."""

    def wrong(calls: Calls) -> Callable[[NextItemGRU], AbstractContextManager[None]]:
        @contextmanager
        def unfrozen(_model: NextItemGRU) -> Iterator[None]:
            calls.count += 1
            with torch.inference_mode():
                yield

        return unfrozen

    with replaced(evaluation, "frozen", wrong):
        yield Hooks()


@contextmanager
def training_mode_once_an_epoch(data: TrainingData, config: Training) -> Iterator[Hooks]:
    """Say ``model.train()`` where an epoch begins and not after the evaluations inside it: no dropout from there on."""
    per_epoch, models = steps_per_epoch(data, config), list[NextItemGRU]()

    def wrong(calls: Calls) -> Callable[[NextItemGRU], AbstractContextManager[None]]:
        @contextmanager
        def left_frozen(model: NextItemGRU) -> Iterator[None]:
            calls.count += 1
            models[:] = [model.eval()]
            with torch.inference_mode():
                yield

        return left_frozen

    def begin_epoch(progress: Progress) -> None:
        if progress.points and progress.step % per_epoch == 0:
            models[0].train()

    with replaced(evaluation, "frozen", wrong):
        yield Hooks(begin_epoch)


@contextmanager
def validated_on_slices(data: TrainingData, config: Training) -> Iterator[Hooks]:
    """Evaluate the k-th quarter of the validation file at the k-th evaluation of an epoch, to save time."""
    frozen, models, told = evaluation.frozen, list[NextItemGRU](), list[CurvePoint]()
    validation = on_device(data.validation, torch.device("cpu"))
    slice_W = [torch.from_numpy(part) for part in np.array_split(np.arange(len(validation)), _QUARTERS)]

    def wrong(calls: Calls) -> Callable[[NextItemGRU], AbstractContextManager[None]]:
        def watched(model: NextItemGRU) -> AbstractContextManager[None]:
            calls.count += 1
            models[:] = [model]
            return frozen(model)

        return watched

    def evaluate_slice(progress: Progress) -> None:
        if progress.points:
            phase = progress.points[0].phase
            scoring = evaluation.Scoring(config.cutoffs, config.ties)
            sums = evaluation.evaluate(models[0], validation, scoring, slice_W[(phase - 1) % _QUARTERS])
            told.extend(curve_points(sums, Moment(progress.step, progress.epoch, phase), "validation"))

    with replaced(evaluation, "frozen", wrong):
        yield Hooks(evaluate_slice, lambda points: [p for p in points if p.estimator != "validation"] + told)
