"""Optimizers by name, and the moments that each keeps.

Legend: P parameters (tensors).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop

from models.config import Optimizer

_FIRST = ("exp_avg", "momentum_buffer")
_SECOND = ("max_exp_avg_sq", "exp_avg_sq", "square_avg", "sum")
"""Names of the moments in the state of torch's optimizers; of several the one that divides comes first."""


def build_optimizer(parameters: Sequence[nn.Parameter], config: Optimizer) -> torch.optim.Optimizer:
    """Make the optimizer that was asked for: torch's own.

    Adam: Kingma & Ba (arXiv 1412.6980); AdamW: Loshchilov & Hutter (1711.05101); AMSGrad: Reddi et al. (1904.09237);
    Adagrad: Duchi et al. (JMLR 12, 2011); RMSProp: Tieleman & Hinton (2012), its second moment decayed by beta2.

    Parameters
    ----------
    parameters
        P, on their final device.
    config
        Name and numbers.

    Returns
    -------
    torch.optim.Optimizer
        Before its first step.
    """
    lr, eps, decay, betas = config.lr, config.eps, config.weight_decay, (config.beta1, config.beta2)
    match config.name:
        case "adam" | "amsgrad":
            amsgrad = config.name == "amsgrad"
            return Adam(parameters, lr, betas, eps, decay, amsgrad, fused=True)
        case "adamw":
            return AdamW(parameters, lr, betas, eps, decay, fused=True)
        case "sgd":
            return SGD(parameters, lr, config.momentum, weight_decay=decay, fused=True)
        case "rmsprop":
            return RMSprop(parameters, lr, config.beta2, eps, decay, config.momentum)
        case "adagrad":
            return Adagrad(parameters, lr, weight_decay=decay, eps=eps)


@dataclass(frozen=True)
class Moments:
    """What an optimizer remembers of past gradients, by parameter; empty where it does not."""

    first_P: list[Tensor]  # m, or the momentum
    second_P: list[Tensor]  # what is divided by the root of, without bias correction
    correction: float  # the root of it is divided by this: sqrt(1 - beta2 ** steps) for Adam and its kin, else 1

    def effective_steps(self, lr: float, eps: float) -> list[tuple[Tensor, Tensor]]:
        """Say how far a unit of the first moment moves numbers, where there ever was a gradient.

        Parameters
        ----------
        lr
            Learning rate.
        eps
            Of the optimizer.

        Returns
        -------
        list of tuple
            For each parameter the sum of lr / (sqrt(v) + eps) where v is above 0, and in how many places it is, on the
            device; empty where nothing is divided by. Made one after the other: the copies can be large.
        """
        return [self._effective_step(second, lr, eps) for second in self.second_P]

    def _effective_step(self, second: Tensor, lr: float, eps: float) -> tuple[Tensor, Tensor]:
        is_moved = second > 0
        step = second.sqrt().div_(self.correction).add_(eps).reciprocal_().mul_(lr)
        return step.mul_(is_moved).sum(), is_moved.sum()


def moments_of(optimizer: torch.optim.Optimizer, config: Optimizer, n_steps: int) -> Moments:
    """Read the moments of an optimizer that has made a step.

    Parameters
    ----------
    optimizer
        Of `build_optimizer`.
    config
        What it was built from.
    n_steps
        Updates made, at least 1.

    Returns
    -------
    Moments
        Views of the optimizer's own tensors.
    """
    states = [optimizer.state[parameter] for parameter in optimizer.param_groups[0]["params"]]
    first, second = (
        next((name for name in names if states[0].get(name) is not None), None) for names in (_FIRST, _SECOND)
    )
    is_corrected = config.name in {"adam", "adamw", "amsgrad"}
    return Moments(
        first_P=[state[first] for state in states] if first else [],
        second_P=[state[second] for state in states] if second else [],
        correction=math.sqrt(1 - config.beta2**n_steps) if is_corrected else 1.0,
    )
