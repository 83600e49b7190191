"""Where a training stands, and the one step that moves it on.

Legend: B batch, V items, G groups of parameters.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Adam

from models.batches import Batch
from models.config import Optimizer
from models.evaluation import Scoring
from models.gru import NextItemGRU
from models.metrics import MetricSums, target_losses, unchecked_target_ranks
from models.norms import ParameterGroups, group_parameters
from models.windows import UNKNOWN


@dataclass
class TrainingState:
    """All that changes from step to step; epoch and position follow from the step."""

    model: NextItemGRU
    optimizer: Adam
    groups: ParameterGroups
    step: int  # updates made
    running: MetricSums  # over the windows visited since the last evaluation
    gradient_sum_G: Tensor  # of the gradient norms since the last evaluation
    n_summed: int  # steps in these sums

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        return float(self.optimizer.param_groups[0]["lr"])

    def forget_running(self) -> None:
        """Begin the running sums anew, after an evaluation has told them."""
        device = self.gradient_sum_G.device
        self.running = MetricSums.zero(self.running.cutoffs, device)
        self.gradient_sum_G = torch.zeros_like(self.gradient_sum_G)
        self.n_summed = 0


@dataclass(frozen=True)
class StepOutcome:
    """What one step found, read from the device at once."""

    loss_nats: float
    grad_norm: float
    count: int  # known targets

    @property
    def is_finite(self) -> bool:
        """Whether the update was made."""
        return math.isfinite(self.loss_nats) and math.isfinite(self.grad_norm)


def begin(model: NextItemGRU, config: Optimizer, scoring: Scoring) -> TrainingState:
    """Stand before the first step.

    Parameters
    ----------
    model
        With its initial weights, on its final device.
    config
        The optimizer's.
    scoring
        Cutoffs of the running metrics.

    Returns
    -------
    TrainingState
        With empty sums.
    """
    groups = group_parameters(model)
    betas = (config.beta1, config.beta2)
    optimizer = Adam(groups.parameters, lr=config.lr, betas=betas, eps=config.eps, fused=True)
    device = groups.parameters[0].device
    return TrainingState(
        model=model.train(),
        optimizer=optimizer,
        groups=groups,
        step=0,
        running=MetricSums.zero(scoring.cutoffs, device),
        gradient_sum_G=torch.zeros(len(groups.names), device=device),
        n_summed=0,
    )


def take_step(state: TrainingState, batch: Batch, scoring: Scoring) -> StepOutcome:
    """Make one update on the mean cross-entropy of a batch, unless its loss or gradient is not finite.

    Parameters
    ----------
    state
        Changed in place; left as it is if the update is refused, so the weights are those of the last step.
    batch
        On the device of the model.
    scoring
        Cutoffs and ties of the running metrics, taken from the very logits that are learned from.

    Returns
    -------
    StepOutcome
        Loss and gradient norm before the update.
    """
    logits_BV = state.model(batch.history_BL, batch.length_B)
    loss_B = target_losses(logits_BV, batch.target_B)
    is_known_B = batch.target_B != UNKNOWN
    n_known = is_known_B.sum().to(loss_B.dtype)
    loss = loss_B.sum() / n_known.clamp_min(1)
    state.optimizer.zero_grad()
    torch.autograd.backward(loss)
    norm_G = state.groups.gradient_norms()
    # The only wait for the device in a step.
    loss_nats, grad_norm, count = torch.stack([loss.detach(), norm_G.norm(), n_known]).tolist()
    outcome = StepOutcome(loss_nats, grad_norm, int(count))
    if outcome.is_finite:
        state.optimizer.step()
        rank_B = unchecked_target_ranks(logits_BV.detach(), batch.target_B, scoring.ties)
        state.running += MetricSums.of_batch(loss_B.detach(), rank_B, is_known_B, scoring.cutoffs)
        state.gradient_sum_G += norm_G
        state.n_summed += 1
        state.step += 1
    return outcome
