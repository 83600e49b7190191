"""Gradients made smaller before the update (Pascanu et al., 2013, arXiv 1211.5063).

Legend: P parameters (tensors), G groups of parameters.
"""

import torch
from torch import Tensor

from models.config import Clip
from models.norms import ParameterGroups

_TINY = 1e-6
"""What torch's ``clip_grad_norm_`` adds to a norm, so that a gradient of 0 is not divided by 0."""


def clip_gradients(groups: ParameterGroups, norm_G: Tensor, clip: Clip) -> Tensor:
    """Clip the gradients in place, without waiting for the device.

    Parameters
    ----------
    groups
        With their gradients.
    norm_G
        (G,) norms of these.
    clip
        How, and from where on.

    Returns
    -------
    torch.Tensor
        (G,) float32: 1 where a group was clipped, 0 where not.
    """
    if clip.name == "none":
        return torch.zeros_like(norm_G)
    if clip.name == "value":
        return _clip_values(groups, clip.threshold)
    if clip.name == "norm":
        norm_G = norm_G.norm().expand_as(norm_G)
    share_G = (clip.threshold / (norm_G + _TINY)).clamp_max(1.0)
    share_P = groups.member_GP.T @ share_G
    torch._foreach_mul_(groups.gradients, list(share_P.unbind()))
    return (share_G < 1).to(norm_G.dtype)


def _clip_values(groups: ParameterGroups, threshold: float) -> Tensor:
    largest_P = torch.stack(torch._foreach_norm(groups.gradients, torch.inf))
    torch._foreach_clamp_min_(groups.gradients, -threshold)
    torch._foreach_clamp_max_(groups.gradients, threshold)
    return (groups.member_GP @ (largest_P > threshold).to(largest_P.dtype) > 0).to(largest_P.dtype)
