"""Each optimizer against its equations, worked out number by number in float64."""

import math

import pytest
import torch
from torch import nn

from models.config import Optimizer
from models.optimizers import build_optimizer, moments_of

GRADIENTS = [0.5, -2.0, 0.1, 0.1]
LR, B1, B2, EPS, MU, DECAY = 0.1, 0.8, 0.9, 1e-3, 0.7, 0.05


def by_hand(name: str) -> tuple[float, float, float]:
    """Return the weight, the first moment and what is divided by the root of, after all gradients."""
    w, m, v, v_max = 1.5, 0.0, 0.0, 0.0
    for n, loss_gradient in enumerate(GRADIENTS, start=1):
        g = loss_gradient if name == "adamw" else loss_gradient + DECAY * w
        if name == "sgd":
            m = MU * m + g if n > 1 else g
            w -= LR * m
        elif name == "rmsprop":
            v = B2 * v + (1 - B2) * g * g
            m = MU * m + g / (math.sqrt(v) + EPS)
            w -= LR * m
        elif name == "adagrad":
            v += g * g
            w -= LR * g / (math.sqrt(v) + EPS)
        else:
            w -= LR * DECAY * w if name == "adamw" else 0
            m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g * g
            v_max = max(v_max, v) if name == "amsgrad" else v
            w -= LR * (m / (1 - B1**n)) / (math.sqrt(v_max / (1 - B2**n)) + EPS)
    return w, m, v_max or v


@pytest.mark.parametrize("name", ["adam", "adamw", "amsgrad", "sgd", "rmsprop", "adagrad"])
def test_steps_and_moments_equal_those_by_hand(name: str) -> None:
    momentum = MU if name in ("sgd", "rmsprop") else 0.0
    config = Optimizer.model_validate(
        {"name": name, "lr": LR, "beta1": B1, "beta2": B2, "eps": EPS, "momentum": momentum, "weight_decay": DECAY}
    )
    parameter = nn.Parameter(torch.tensor([1.5]))
    optimizer = build_optimizer([parameter], config)
    for gradient in GRADIENTS:
        parameter.grad = torch.tensor([gradient])
        optimizer.step()
    w, m, v = by_hand(name)
    moments = moments_of(optimizer, config, len(GRADIENTS))
    assert parameter.item() == pytest.approx(w, rel=1e-5)
    assert [first.item() for first in moments.first_P] == ([] if name == "adagrad" else [pytest.approx(m, rel=1e-4)])
    assert [second.item() for second in moments.second_P] == ([] if name == "sgd" else [pytest.approx(v, rel=1e-4)])
    corrected = v / (1 - B2**4) if name in ("adam", "adamw", "amsgrad") else v
    steps = [step.item() for step, _ in moments.effective_steps(LR, EPS)]
    assert steps == ([] if name == "sgd" else [pytest.approx(LR / (math.sqrt(corrected) + EPS), rel=1e-4)])


@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_without_momentum_there_is_no_first_moment(name: str) -> None:
    config = Optimizer.model_validate({"name": name})
    parameter = nn.Parameter(torch.ones(2))
    optimizer = build_optimizer([parameter], config)
    parameter.grad = torch.ones(2)
    optimizer.step()
    assert moments_of(optimizer, config, 1).first_P == []


def test_a_number_that_never_had_a_gradient_has_no_effective_step() -> None:
    parameter = nn.Parameter(torch.ones(2))
    optimizer = build_optimizer([parameter], Optimizer())
    parameter.grad = torch.tensor([0.0, 2.0])
    optimizer.step()
    ((step, count),) = moments_of(optimizer, Optimizer(), 1).effective_steps(lr=0.1, eps=1e-8)
    assert (step.item(), count.item()) == (pytest.approx(0.05), 1)
