"""Settles the precision of a training.

Bfloat16 only where the hardware has it, and, unless it was asked for by name, only where a trial shows the same losses.

Legend: S steps of the trial.
"""

import logging
import math

import numpy as np
import torch
from numpy.typing import NDArray

from models.backend import Precision
from models.choice import backend_for
from models.config import Compute
from models.device import seeded
from models.errors import ModelError
from models.gru import build_model
from models.plan import Plan
from models.seeds import Stream, torch_seed
from models.state import begin, take_step
from models.world import ALONE, World

_LOG = logging.getLogger("sawtooth")
TRIAL_STEPS = 40
_MOST_BIAS = 0.002
"""A mean difference of losses under this share of them is no difference, however sure."""
_MOST_ERRORS = 3.0


def settled_precision(plan: Plan, n_items: int, compute: Compute, world: World = ALONE) -> Precision:
    """Say the precision that a training's steps have.

    Parameters
    ----------
    plan
        Its question is asked for; a trial takes the first batches of its first epoch.
    n_items
        V.
    compute
        Where it runs.
    world
        The processes that train together: all have the same.

    Returns
    -------
    str
        ``fp32`` or ``bf16``; under ``auto`` the reason is in the log.

    Raises
    ------
    ModelError
        If bf16 was asked for by name and the device has it not: it would be slower and no different.
    """
    asked, device = plan.config.precision, plan.train.device
    if asked == "fp32":
        return "fp32"
    if not is_native(device):
        if asked == "bf16":
            message = f"training.precision is 'bf16', but this {device.type} has no bfloat16 of its own. Choose 'fp32'."
            raise ModelError(message)
        _LOG.info("precision fp32: this %s has no bfloat16 of its own", device.type)
        return "fp32"
    if asked == "bf16":
        return "bf16"
    exact_S, rounded_S = (_trial(plan, n_items, compute, each) for each in ("fp32", "bf16"))
    agreed = world.largest(int(not is_same(exact_S, rounded_S))) == 0
    means = (len(exact_S), float(exact_S.mean()), float(rounded_S.mean()))
    _LOG.info("precision %s: mean loss of %d steps %.4f in fp32, %.4f in bf16", "bf16" if agreed else "fp32", *means)
    return "bf16" if agreed else "fp32"


def is_native(device: torch.device) -> bool:
    """Say whether a device multiplies bfloat16 in hardware.

    Parameters
    ----------
    device
        Present on this machine.

    Returns
    -------
    bool
        On a CPU: AVX512-BF16 or AMX; on CUDA: compute capability 8 or more; on MPS: no.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        known: dict[str, object] = getattr(
            torch.cpu, "get_capabilities", dict
        )()  # what an older torch does not tell is not there
        return bool(known.get("avx512_bf16") or known.get("amx_bf16"))
    return False


def is_same(exact_S: NDArray[np.float64], rounded_S: NDArray[np.float64]) -> bool:
    """Say whether two trainings on the same batches have the same losses, but for noise.

    Parameters
    ----------
    exact_S, rounded_S
        (S,) nats, step by step.

    Returns
    -------
    bool
        Whether the mean difference is within 0.2 % of the loss, or within three standard errors of zero; never where
        a loss is not finite.
    """
    difference_S = rounded_S - exact_S
    bias = abs(float(difference_S.mean()))
    error = float(difference_S.std(ddof=1)) / math.sqrt(len(difference_S)) if len(difference_S) > 1 else 0.0
    return bool(bias <= max(_MOST_BIAS * abs(float(exact_S.mean())), _MOST_ERRORS * error))


def _trial(plan: Plan, n_items: int, compute: Compute, precision: Precision) -> NDArray[np.float64]:
    """Train for some steps from the beginning; nothing of it is kept, and no random state is moved."""
    config, device = plan.config, plan.train.device
    visit_N = torch.from_numpy(plan.visits(0)).to(device)
    dropout = seeded(device, torch_seed(config.seed, Stream.DROPOUT))
    with dropout, backend_for(config, precision, compute, device) as backend:
        state = begin(build_model(config.model, n_items, config.seed).to(device), config, plan.scoring, backend)
        batches = torch.split(visit_N, config.batch_size)[: min(TRIAL_STEPS, plan.n_steps)]
        losses = [take_step(state, plan.train.cut(indices_B), plan.scoring).loss_nats for indices_B in batches]
    return np.array(losses)
