"""Where a training runs: the device, the CPU threads, and a random state of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from models.config import Compute
from models.errors import ModelError


def pick_device(compute: Compute) -> torch.device:
    """Choose the device that was asked for; ``auto`` takes CUDA, then MPS, then the CPU.

    Parameters
    ----------
    compute
        Where to run.

    Returns
    -------
    torch.device
        A device that this machine has.

    Raises
    ------
    ModelError
        If the device asked for by name is absent: it is never replaced in silence.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if compute.device == "auto":
        return torch.device(next(name for name, is_here in present.items() if is_here))
    if not present[compute.device]:
        here = ", ".join(name for name, is_here in present.items() if is_here)
        message = (
            f"compute.device is {compute.device!r}, but this machine and this build of torch "
            f"offer only: {here}. Choose one of these, or 'auto'."
        )
        raise ModelError(message)
    return torch.device(compute.device)


def device_count(compute: Compute) -> int:
    """Say how many devices train together.

    Parameters
    ----------
    compute
        Where to run; ``devices``.

    Returns
    -------
    int
        Under ``auto`` every GPU, or 1.

    Raises
    ------
    ModelError
        If more were asked for than there are; a CPU counts as one a core.
    """
    kind = pick_device(compute).type
    present = {"cuda": torch.cuda.device_count(), "cpu": os.cpu_count() or 1}.get(kind, 1)
    if compute.devices == "auto":
        return present if kind == "cuda" else 1
    if compute.devices > present:
        message = (
            f"compute.devices is {compute.devices}, but this machine has {present} of {kind} (a CPU counts once a "
            f"core). Choose at most {present}, or 'auto'."
        )
        raise ModelError(message)
    return compute.devices


def part_of(compute: Compute, size: int) -> Compute:
    """Say where each of several processes on one machine runs.

    Parameters
    ----------
    compute
        Where to run them all.
    size
        How many.

    Returns
    -------
    Compute
        With its part of the threads, at least one.
    """
    total = compute.threads or torch.get_num_threads()
    return compute.model_copy(update={"threads": max(1, total // size)})


def own_device(compute: Compute) -> torch.device:
    """Choose this process's device among those of its machine, by the number that ``torchrun`` gave it.

    Parameters
    ----------
    compute
        Where to run.

    Returns
    -------
    torch.device
        A GPU of its own, made the current one; else as `pick_device`.
    """
    device = pick_device(compute)
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return device


@contextmanager
def threads(compute: Compute) -> Iterator[None]:
    """Use ``compute.threads`` CPU threads inside the block; unset leaves torch's own choice, one a core.

    Parameters
    ----------
    compute
        Where to run.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(compute.threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def reseed(device: torch.device, seed: int) -> None:
    """Begin the random numbers of a device and of the CPU anew; inside `seeded`.

    Parameters
    ----------
    device
        The device that draws random numbers besides the CPU.
    seed
        From 0 to below 2**63.
    """
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Seed torch inside the block and give the caller's random state back after it.

    `torch.manual_seed` would also seed every other device, which `torch.random.fork_rng` then
    would have to know of; so only the CPU and the device in use are seeded, and both are restored.

    Parameters
    ----------
    device
        The device that draws random numbers besides the CPU.
    seed
        From 0 to below 2**63.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if device.type == "cpu":
            yield
            return
        module = torch.get_device_module(device)
        state = module.get_rng_state()
        module.manual_seed(seed)
        try:
            yield
        finally:
            module.set_rng_state(state)
