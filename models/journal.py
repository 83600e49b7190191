"""What a training writes down while it runs: steps, curve points, and the weights to keep.

Legend: S steps.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.curves import CurvePoint, StepRecord
from models.gru import NextItemGRU
from models.state import StepOutcome
from models.watching import Watch


@dataclass(frozen=True)
class Kept:
    """Weights worth keeping."""

    step: int
    score: float
    weights: dict[str, Tensor]  # on the CPU


class StepBuffer:
    """One row a step, in arrays: a long training takes millions of steps, each too short to build objects.

    Parameters
    ----------
    n_steps
        Most steps there can be.
    """

    def __init__(self, n_steps: int) -> None:
        self.loss_nats_S: NDArray[np.float64] = np.empty(n_steps)
        self.grad_norm_S: NDArray[np.float64] = np.empty(n_steps)
        self.lr_S: NDArray[np.float64] = np.empty(n_steps)
        self.count_S: NDArray[np.int64] = np.empty(n_steps, dtype=np.int64)
        self.n_written = 0

    def append(self, outcome: StepOutcome, lr: float) -> None:
        """Write the next step.

        Parameters
        ----------
        outcome
            What it found.
        lr
            Its learning rate.
        """
        row = self.n_written
        self.loss_nats_S[row] = outcome.loss_nats
        self.grad_norm_S[row] = outcome.grad_norm
        self.lr_S[row] = lr
        self.count_S[row] = outcome.count
        self.n_written = row + 1

    def records(self, steps_per_epoch: int) -> list[StepRecord]:
        """Read all steps.

        Parameters
        ----------
        steps_per_epoch
            To say the epoch.

        Returns
        -------
        list of StepRecord
            In order, from step 1.
        """
        end = self.n_written
        columns = (self.loss_nats_S, self.count_S, self.lr_S, self.grad_norm_S)
        rows = zip(*(column[:end].tolist() for column in columns), strict=True)
        return [
            StepRecord(step, step / steps_per_epoch, *row)  # in the order of the columns
            for step, row in enumerate(rows, start=1)
        ]


@dataclass
class Journal:
    """The curves of a training and the weights to keep so far."""

    steps: StepBuffer
    keep: Literal["best", "last"]
    watch: Watch
    points: list[CurvePoint] = field(default_factory=list)
    kept: Kept | None = None
    training_s: float = 0.0  # in steps, evaluations not counted

    def consider(self, model: NextItemGRU, step: int, score: float) -> None:
        """Copy the weights if they are the ones to keep so far; of equals the earliest.

        Parameters
        ----------
        model
            Just evaluated.
        step
            Updates made.
        score
            Higher is better.
        """
        if self.keep == "best" and self.kept is not None and score <= self.kept.score:
            return
        weights = {name: tensor.detach().to("cpu", copy=True) for name, tensor in model.state_dict().items()}
        self.kept = Kept(step, score, weights)
