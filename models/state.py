"""Where a training stands, and the one step that moves it on.

Legend: B batch, V items, G groups of parameters.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from models.averaging import WeightAverage
from models.backend import REFERENCE, Backend
from models.batches import Batch
from models.clipping import clip_gradients
from models.config import Training
from models.evaluation import Scoring
from models.gru import NextItemGRU
from models.metrics import MetricSums
from models.norms import ParameterGroups, group_parameters
from models.optimizers import build_optimizer
from models.schedules import Plateau, Rates
from models.visiting import Visiting, in_step
from models.windows import UNKNOWN
from models.world import ALONE, World


@dataclass
class TrainingState:
    """All that changes from step to step; epoch and position follow from the step."""

    config: Training
    model: NextItemGRU
    optimizer: torch.optim.Optimizer
    groups: ParameterGroups
    step: int  # updates made
    running: MetricSums  # over the windows that this process visited since the last evaluation
    gradient_sum_G: Tensor  # of the gradient norms since the last evaluation
    clipped_sum_G: Tensor  # steps that clipped the group since the last evaluation
    n_summed: int  # steps in these sums
    plateau: Plateau
    average: WeightAverage | None
    backend: Backend
    visiting: nn.Module  # the model and the backend; in step with those of the other processes
    world: World

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def evaluated(self) -> NextItemGRU:
        """The model to evaluate and to store: the average of the weights if one is kept."""
        return self.model if self.average is None else self.average.model

    def set_rate(self, rates: Rates) -> None:
        """Set the learning rate of the next update.

        Parameters
        ----------
        rates
            The schedule.
        """
        lr = self.config.optimizer.lr * rates.share(self.step) * self.plateau.share
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def forget_running(self) -> None:
        """Begin the running sums anew, after an evaluation has told them."""
        device = self.gradient_sum_G.device
        self.running = MetricSums.zero(self.running.cutoffs, device)
        self.gradient_sum_G = torch.zeros_like(self.gradient_sum_G)
        self.clipped_sum_G = torch.zeros_like(self.clipped_sum_G)
        self.n_summed = 0


@dataclass(frozen=True)
class Visits:
    """What a step found of each window of this process's part of the batch, on the device."""

    loss_B: Tensor  # float32, in nats; 0 where the target is unknown
    is_hit_B: Tensor  # bool, whether the target is within the first cutoff
    is_known_B: Tensor  # bool, whether the target is in the vocabulary
    rows: slice  # of the whole batch


@dataclass(frozen=True)
class StepOutcome:
    """What one step found of the whole batch, read from the device at once."""

    loss_nats: float
    grad_norm: float
    count: int  # known targets
    group_norms: tuple[float, ...]  # of the gradient, by group, before clipping
    visits: Visits | None  # None where the update was refused

    @property
    def is_finite(self) -> bool:
        """Whether the update was made."""
        return math.isfinite(self.loss_nats) and math.isfinite(self.grad_norm)


def begin(
    model: NextItemGRU, config: Training, scoring: Scoring, backend: Backend = REFERENCE, world: World = ALONE
) -> TrainingState:
    """Stand before the first step.

    Parameters
    ----------
    model
        With its initial weights, on its final device.
    config
        The question.
    scoring
        Cutoffs of the running metrics.
    backend
        That computes steps and evaluations.
    world
        The processes that train together.

    Returns
    -------
    TrainingState
        With empty sums.
    """
    groups = group_parameters(model.train())
    device = groups.parameters[0].device
    return TrainingState(
        config=config,
        model=model,
        optimizer=build_optimizer(groups.parameters, config.optimizer),
        groups=groups,
        step=0,
        running=MetricSums.zero(scoring.cutoffs, device),
        gradient_sum_G=torch.zeros(len(groups.names), device=device),
        clipped_sum_G=torch.zeros(len(groups.names), device=device),
        n_summed=0,
        plateau=Plateau(),
        average=None if config.ema_decay is None else WeightAverage(model, config.ema_decay),
        backend=backend,
        visiting=in_step(Visiting(model, backend, config, scoring.ties), world),
        world=world,
    )


def take_step(state: TrainingState, batch: Batch, scoring: Scoring) -> StepOutcome:
    """Make one update on the mean loss of a batch, unless this loss or its gradient is not finite.

    Parameters
    ----------
    state
        Changed in place; left as it is if the update is refused, so the weights are those of the last step.
    batch
        The whole one, on the device of the model, whatever part of it is this process's.
    scoring
        Cutoffs and ties of the running metrics, taken from the very logits that are learned from.

    Returns
    -------
    StepOutcome
        Loss and gradient norm before the update.
    """
    world = state.world
    rows = world.share(len(batch))
    loss_B, rank_B = state.visiting(batch.part(rows))
    is_known_B = batch.target_B != UNKNOWN
    n_known = is_known_B.sum().to(loss_B.dtype)
    loss = loss_B.sum() / n_known.clamp_min(1)
    state.optimizer.zero_grad()
    torch.autograd.backward(loss * world.size)  # its gradients are to be summed over the processes, and are averaged
    loss = world.sum_(loss.detach())
    norm_G = state.groups.gradient_norms()
    # The only wait for the device in a step.
    told = torch.cat([torch.stack([loss, norm_G.norm(), n_known]), norm_G])
    loss_nats, grad_norm, count, *group_norms = told.tolist()
    outcome = StepOutcome(loss_nats, grad_norm, int(count), tuple(group_norms), None)
    if not outcome.is_finite:
        return outcome
    _update(state, norm_G)
    n_rows = rows.stop - rows.start
    own = loss_B.detach()[:n_rows], rank_B[:n_rows], is_known_B[rows]
    state.running += MetricSums.of_batch(*own, scoring.cutoffs)
    return replace(outcome, visits=Visits(own[0], own[1] <= scoring.cutoffs[0], own[2], rows))


def _update(state: TrainingState, norm_G: Tensor) -> None:
    state.clipped_sum_G += clip_gradients(state.groups, norm_G, state.config.clip)
    state.optimizer.step()
    state.gradient_sum_G += norm_G
    state.n_summed += 1
    state.step += 1
    if state.average is not None:
        state.average.follow(state.model, state.step)
