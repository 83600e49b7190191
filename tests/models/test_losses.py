"""The right loss and the wrong one."""

import math

import pytest
import torch
from torch.nn import functional

from models.config import Training
from models.losses import losses_from_probabilities, training_losses


def test_the_default_is_cross_entropy_from_logits() -> None:
    logits_BV, target_B = (
        torch.randn(6, 5, generator=torch.Generator().manual_seed(0)) * 60,
        torch.tensor([1, 2, 3, 4, 5, 0]),
    )
    loss_B = training_losses(logits_BV, target_B, Training())
    expected_B = functional.cross_entropy(logits_BV.double(), target_B - 1, ignore_index=-1, reduction="none")
    torch.testing.assert_close(loss_B.double(), expected_B, rtol=1e-5, atol=1e-5)
    assert loss_B.max() > -math.log(1e-7)


def test_probabilities_give_the_same_where_no_probability_is_small() -> None:
    logits_BV, target_B = (
        torch.randn(6, 5, generator=torch.Generator().manual_seed(0)),
        torch.tensor([1, 2, 3, 4, 5, 0]),
    )
    wrong_B = training_losses(logits_BV, target_B, Training(loss="probabilities"))
    torch.testing.assert_close(wrong_B, training_losses(logits_BV, target_B, Training()))
    assert wrong_B[-1] == 0


@pytest.mark.parametrize("eps", [1e-7, 1e-3])
def test_probabilities_cap_the_loss_and_take_the_gradient_of_the_worst(eps: float) -> None:
    logits_BV = torch.tensor([[0.0, 40.0, 0.0], [1.0, 2.0, 3.0]], requires_grad=True)
    loss_B = losses_from_probabilities(logits_BV, torch.tensor([1, 1]), eps)
    assert loss_B[0].item() == pytest.approx(-math.log(eps), rel=1e-6)
    torch.autograd.backward(loss_B.sum())
    assert logits_BV.grad is not None
    assert logits_BV.grad[0].eq(0).all()
    assert logits_BV.grad[1].ne(0).all()


def test_the_eps_is_the_one_that_was_asked_for() -> None:
    logits_BV, target_B = torch.tensor([[0.0, 40.0]]), torch.tensor([1])
    loss_B = training_losses(logits_BV, target_B, Training(loss="probabilities", loss_eps=0.01))
    assert loss_B.item() == pytest.approx(-math.log(0.01))
