"""A training under way: what the parts of its loop share, and nothing that is not made anew or kept in a checkpoint."""

import time
from dataclasses import dataclass, field

from torch import Tensor

from models.backend import REFERENCE, Backend
from models.gru import NextItemGRU
from models.instruments import Instruments
from models.journal import Journal, StepBuffer
from models.plan import Plan
from models.state import TrainingState, begin
from models.watching import Watch
from models.world import ALONE, World


@dataclass
class Course:
    """The plan, which stays, and all that a training changes."""

    plan: Plan
    state: TrainingState
    journal: Journal
    instruments: Instruments
    told_step: int = 0
    """End of the last phase that was told: evaluated where it is to be, its ages and data recorded. Behind the state's
    step inside a phase and while its end is evaluated."""
    started: float = field(default_factory=time.perf_counter)  # earlier by what a training that goes on had taken

    @property
    def wall_s(self) -> float:
        """Seconds that the training has taken, in all its processes."""
        return time.perf_counter() - self.started

    @property
    def sums(self) -> tuple[Tensor, ...]:
        """What each process has summed of its own share; the rest of a training is the same in all of them."""
        return self.state.running.sums_3M, self.instruments.ages.sums_5A


def begin_course(plan: Plan, model: NextItemGRU, backend: Backend = REFERENCE, world: World = ALONE) -> Course:
    """Stand before the first step.

    Parameters
    ----------
    plan
        Of the training.
    model
        With its initial weights, on its final device.
    backend
        That computes steps and evaluations.
    world
        The processes that train together.

    Returns
    -------
    Course
        With nothing recorded.
    """
    state = begin(model, plan.config, plan.scoring, backend, world)
    journal = Journal(StepBuffer(plan.n_steps), plan.config.keep_weights, Watch(len(plan.validation), world))
    return Course(plan, state, journal, Instruments(plan, state))
