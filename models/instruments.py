"""What a training measures of itself beside its curves: norms, ages and the data of each phase.

Nothing here changes the training. A step waits for the device once, with or without instruments.

Legend: B batch, S steps, G groups of parameters, Q windows of a phase.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.ages import AgeLedger
from models.curves import ForgettingRecord, Moment, NormRecord, Quantity, QuarterRecord
from models.plan import Phase, Plan
from models.state import StepOutcome, TrainingState
from models.updates import measure_update, weights_now

MEASURE_STEPS = 100
"""An update is measured at every so many steps and at the last of each phase: about half a percent of the time."""


class Instruments:
    """All instruments of one training and what they have recorded.

    Parameters
    ----------
    plan
        Of the training.
    state
        Before the first step.
    """

    def __init__(self, plan: Plan, state: TrainingState) -> None:
        self.plan = plan
        self.groups = state.groups
        self.world = state.world
        self.ages = AgeLedger(len(plan.train), plan.steps_per_epoch, plan.train.device)
        self.gradient_SG: NDArray[np.float64] = np.empty((plan.n_steps, len(state.groups.names)))
        self.phase_S: NDArray[np.int32] = np.empty(plan.n_steps, dtype=np.int32)
        self.n_steps = 0  # written into these two
        self.records: list[NormRecord] = []
        self.forgetting: list[ForgettingRecord] = []
        self.quarters: list[QuarterRecord] = []
        self._before_P: list[Tensor] | None = None

    def before_step(self, step: int, *, ends_phase: bool) -> None:
        """Keep the weights if the coming step is one to measure.

        Parameters
        ----------
        step
            The coming one, from 1.
        ends_phase
            Whether it is the last of its phase.
        """
        is_measured = ends_phase or step % MEASURE_STEPS == 0
        self._before_P = weights_now(self.groups) if is_measured else None

    def after_step(self, state: TrainingState, outcome: StepOutcome, indices_B: Tensor, phase: int) -> None:
        """Record a step.

        Parameters
        ----------
        state
            After it.
        outcome
            What it found.
        indices_B
            (B,) int64 windows visited, on the device.
        phase
            That it lies in, from 1.
        """
        self.gradient_SG[self.n_steps] = outcome.group_norms
        self.phase_S[self.n_steps] = phase
        self.n_steps += 1
        if outcome.visits is None:
            return
        self.ages.visit(state.step, indices_B, outcome.visits)
        if self._before_P is not None:
            moment = Moment(state.step, state.step / self.plan.steps_per_epoch, phase)
            for quantity, value_G in measure_update(state, self._before_P).items():
                self._note(moment, quantity, value_G.tolist())

    def close_phase(self, epoch: int, phase: Phase, visit_Q: NDArray[np.int64]) -> None:
        """Tell the ages and the data of a phase.

        Parameters
        ----------
        epoch
            Counted from 0.
        phase
            Just completed.
        visit_Q
            (Q,) windows visited, in order.
        """
        self.world.collect_(self.ages.sums_5A)
        self.forgetting += self.ages.tell(epoch + 1, phase.number)
        self.quarters.append(self.plan.statistics.record(epoch + 1, phase.number, visit_Q))

    def note_evaluation(self, state: TrainingState, moment: Moment) -> None:
        """Record the mean gradient norms and the clipped share since the last evaluation.

        Parameters
        ----------
        state
            Its running sums not yet forgotten.
        moment
            When.
        """
        n_summed = max(1, state.n_summed)
        self._note(moment, "gradient", (state.gradient_sum_G / n_summed).tolist())
        self._note(moment, "clipped_share", (state.clipped_sum_G / n_summed).tolist())

    def norms(self) -> list[NormRecord]:
        """Read all norms.

        Returns
        -------
        list of NormRecord
            Those of evaluations and measured steps in order, then the gradients of every step.
        """
        per_epoch, names = self.plan.steps_per_epoch, self.groups.names
        rows = zip(self.phase_S.tolist(), self.gradient_SG.tolist(), strict=True)
        return self.records + [
            NormRecord(step, step / per_epoch, phase, group, "step_gradient", value)
            for step, (phase, value_G) in zip(range(1, self.n_steps + 1), rows, strict=False)
            for group, value in zip(names, value_G, strict=True)
        ]

    def _note(self, moment: Moment, quantity: Quantity, value_G: list[float]) -> None:
        at = (moment.step, moment.epoch, moment.phase)
        for group, value in zip(self.groups.names, value_G, strict=True):
            self.records.append(NormRecord(*at, group, quantity, value))
