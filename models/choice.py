"""Chooses the backend of a training, and the library of its matrix products."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

from models.backend import Backend, Precision, ReferenceBackend
from models.config import Compute, Training
from models.crew import crew_of
from models.errors import ModelError

_LOG = logging.getLogger("sawtooth")
_ROUNDING = 1e-5
"""Of the largest number of a product: what float32 leaves, a hundred times; bfloat16 is 100 times worse."""


@contextmanager
def backend_for(config: Training, precision: Precision, compute: Compute, device: torch.device) -> Iterator[Backend]:
    """Set up what was asked for; inside `models.device.threads`.

    Parameters
    ----------
    config
        The question.
    precision
        Of a step's products.
    compute
        Where to run, and ``backend``.
    device
        That was picked.

    Yields
    ------
    Backend
        Under ``auto`` the fused one if it can be, else the reference, with the reason in the log.

    Raises
    ------
    ModelError
        If the fused one was asked for and cannot be.
    """
    reason = None if compute.backend == "reference" else _obstacle(config, device)
    if reason and compute.backend == "fused":
        message = f"compute.backend is 'fused', but {reason}. Choose 'auto' or 'reference'."
        raise ModelError(message)
    if reason or compute.backend == "reference":
        if reason and device.type == "cpu":
            _LOG.info("in plain torch, not fused: %s", reason)
        yield ReferenceBackend(precision)
        return
    from models.fused_backend import FusedBackend

    with products_of_onednn(), crew_of(torch.get_num_threads()) as crew:
        yield FusedBackend(crew, precision)


def _obstacle(config: Training, device: torch.device) -> str | None:
    """Say why the fused backend cannot be used, or None."""
    if device.type != "cpu":
        return f"it is for a CPU, and this runs on {device.type}"
    if config.loss != "logits":
        return "it has the loss from logits only"
    try:
        import models.kernels  # noqa: F401
    except (ImportError, RuntimeError) as error:  # numba has no build, or no folder to keep what it compiled
        return f"its kernels cannot be compiled here ({error})"
    return None


@contextmanager
def products_of_onednn() -> Iterator[None]:
    """Have oneDNN make float32 products on a CPU inside the block, if it makes them in float32.

    Torch's own choice, MKL, takes a slower path on processors that are not Intel's. Torch hands products to oneDNN only
    where it may round to bfloat16; without hardware to gain by that oneDNN does not. So it is tried on one product, and
    left where that is rounded.
    """
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    with suppress(RuntimeError):  # a build without oneDNN
        settings.fp32_precision = "bf16"
        if not _is_float32():
            settings.fp32_precision = before
    try:
        yield
    finally:
        settings.fp32_precision = before


def _is_float32() -> bool:
    """Return whether a product is made as exactly as float32 goes."""
    draw = torch.Generator().manual_seed(0)
    left, right = torch.randn(256, 128, generator=draw), torch.randn(128, 1024, generator=draw)
    exact = left.double() @ right.double()
    return bool(((left @ right) - exact).abs().max() <= _ROUNDING * exact.abs().max())
