"""Which backend a training gets."""

import builtins
import logging
from collections.abc import Callable

import pytest
import torch

from models.choice import backend_for, products_of_onednn
from models.config import Compute, Training
from models.errors import ModelError

CPU = torch.device("cpu")


def name_of(config: Training, backend: str, device: torch.device = CPU) -> str:
    with backend_for(config, "fp32", Compute(backend=backend), device) as chosen:
        return chosen.name


def test_auto_is_fused_on_a_cpu_and_the_reference_elsewhere() -> None:
    assert name_of(Training(), "auto") == "fused"
    assert name_of(Training(), "reference") == "reference"
    assert name_of(Training(), "auto", torch.device("cuda")) == "reference"


def test_auto_says_why_it_is_not_fused(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="sawtooth"):
        assert name_of(Training(loss="probabilities"), "auto") == "reference"
    assert "loss from logits" in caplog.text


def test_fused_by_name_is_never_replaced() -> None:
    with pytest.raises(ModelError, match="Choose 'auto' or 'reference'"):
        name_of(Training(loss="probabilities"), "fused")
    with pytest.raises(ModelError, match="this runs on cuda"):
        name_of(Training(), "fused", torch.device("cuda"))


def test_without_numba_it_trains_in_plain_torch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real: Callable[..., object] = builtins.__import__

    def without_kernels(name: str, *arguments: object) -> object:
        if name == "models.kernels":
            message = "No module named 'numba'"
            raise ImportError(message)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_kernels)
    with caplog.at_level(logging.INFO, logger="sawtooth"):
        assert name_of(Training(), "auto") == "reference"
    assert "numba" in caplog.text


def test_products_stay_float32_and_the_setting_is_given_back() -> None:
    settings = torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    left, right = torch.randn(64, 128), torch.randn(128, 256)
    exact = left.double() @ right.double()
    with products_of_onednn():
        assert ((left @ right) - exact).abs().max() < 1e-5 * exact.abs().max()
    assert settings.fp32_precision == before


def test_products_that_are_rounded_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    monkeypatch.setattr("models.choice._is_float32", lambda: False)
    with products_of_onednn():
        assert settings.fp32_precision == before
