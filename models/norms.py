"""L2 norms of gradients, weights and what else comes one a parameter, by part of the model.

Legend: P parameters (tensors), G groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor, nn

from models.curves import Group
from models.gru import NextItemGRU


@dataclass(frozen=True)
class ParameterGroups:
    """The parameters of a model and the part that each belongs to."""

    names: tuple[Group, ...]
    parameters: tuple[nn.Parameter, ...]
    member_GP: Tensor  # 1 where parameter p belongs to group g

    @property
    def gradients(self) -> list[Tensor]:
        """P gradients of the last backward pass, which reaches every parameter."""
        return [parameter.grad for parameter in self.parameters if parameter.grad is not None]

    @property
    def weights(self) -> list[Tensor]:
        """P weights, apart from their history."""
        return [parameter.detach() for parameter in self.parameters]

    def weight_norms(self) -> Tensor:
        """Measure the weights.

        Returns
        -------
        torch.Tensor
            (G,) float32, on the device.
        """
        return self.norms(self.weights)

    def gradient_norms(self) -> Tensor:
        """Measure the gradients of the last backward pass.

        Returns
        -------
        torch.Tensor
            (G,) float32, on the device; their own norm is the global gradient norm.
        """
        return self.norms(self.gradients)

    def norms(self, tensors: list[Tensor]) -> Tensor:
        """Measure tensors that belong to the parameters, one each.

        Parameters
        ----------
        tensors
            P, in the order of the parameters.

        Returns
        -------
        torch.Tensor
            (G,) float32, on the device.
        """
        return self.together(torch._foreach_norm(tensors))

    def together(self, norms: Sequence[Tensor]) -> Tensor:
        """Join the norms of the parameters, or of what belongs to them, by group.

        Parameters
        ----------
        norms
            P scalars, in the order of the parameters.

        Returns
        -------
        torch.Tensor
            (G,) float32, on the device.
        """
        return (self.member_GP @ torch.stack(list(norms)).square()).sqrt()


def group_parameters(model: NextItemGRU) -> ParameterGroups:
    """Group parameters by the submodule that holds them.

    Parameters
    ----------
    model
        On its final device.

    Returns
    -------
    ParameterGroups
        Of the groups ``embedding``, ``gru``, ``layer_norm`` and ``output``, those that have parameters. Tied
        weights are counted once, with the embedding.
    """
    named = list(model.named_parameters())
    owners = [name.split(".")[0] for name, _ in named]
    present: tuple[Group, ...] = tuple(group for group in get_args(Group) if group in owners)
    member_GP = [[float(owner == group) for owner in owners] for group in present]
    device = named[0][1].device
    return ParameterGroups(present, tuple(parameter for _, parameter in named), torch.tensor(member_GP, device=device))
