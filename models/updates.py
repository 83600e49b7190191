"""What one update did to the weights, and what the optimizer made it from.

Legend: P parameters (tensors), G groups of parameters.
"""

import torch
from torch import Tensor

from models.config import Optimizer
from models.curves import Quantity
from models.norms import ParameterGroups
from models.optimizers import Moments, moments_of
from models.state import TrainingState


def weights_now(groups: ParameterGroups) -> list[Tensor]:
    """Copy the weights before a step, to see what it adds.

    Parameters
    ----------
    groups
        Of the model.

    Returns
    -------
    list of torch.Tensor
        P copies on the device.
    """
    return [weight.clone() for weight in groups.weights]


@torch.no_grad()
def measure_update(state: TrainingState, before_P: list[Tensor]) -> dict[Quantity, Tensor]:
    """Measure the step just made; it costs some five of the optimizer's passes over the weights.

    Parameters
    ----------
    state
        After the step.
    before_P
        The weights before it.

    Returns
    -------
    dict
        From quantity to its (G,) float32 values on the device; without the moments that the optimizer does not keep.
    """
    groups, optimizer = state.groups, state.config.optimizer
    weight_G = groups.weight_norms()
    differences = (weight - before for weight, before in zip(groups.weights, before_P, strict=True))
    update_G = groups.together([torch.linalg.vector_norm(difference) for difference in differences])
    moments = moments_of(state.optimizer, optimizer, state.step)
    measures: dict[Quantity, Tensor] = {
        "weight": weight_G,
        "update": update_G,
        "update_to_weight": update_G / weight_G,
        "effective_step": _effective_step(groups, moments, state.lr, optimizer),
    }
    if moments.first_P:
        measures["first_moment"] = groups.norms(moments.first_P)
    if moments.second_P:
        sum_P = torch.stack([second.sum() for second in moments.second_P])
        measures["root_second_moment"] = (groups.member_GP @ sum_P).sqrt()
    return measures


def _effective_step(groups: ParameterGroups, moments: Moments, lr: float, config: Optimizer) -> Tensor:
    steps = moments.effective_steps(lr, config.eps)
    if not steps:
        return groups.member_GP.new_full((len(groups.names),), lr)
    sum_P, count_P = (torch.stack(part).to(groups.member_GP.dtype) for part in zip(*steps, strict=True))
    return (groups.member_GP @ sum_P) / (groups.member_GP @ count_P).clamp_min(1)
