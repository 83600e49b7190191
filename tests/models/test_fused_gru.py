"""The fused GRU against torch's own: states and every gradient."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.crew import Crew, crew_of
from models.fused_gru import GRUWork, frozen_last_states, input_products, last_states
from models.products import Float32Products
from models.scratch import Scratch


def work_of(crew: Crew) -> GRUWork:
    return GRUWork(crew, tuple(Scratch() for _ in range(crew.size)), Float32Products())


def frozen(gru: nn.GRU, inputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Read inputs that no two windows share, in another order than theirs."""
    n_rows, n_steps, n_input = inputs.shape
    shuffled = torch.randperm(n_rows * n_steps)
    products = input_products(inputs.detach().reshape(-1, n_input)[shuffled], gru).detach()
    return frozen_last_states(products, shuffled.argsort().view(n_rows, n_steps), lengths, gru, Scratch())


def of_torch(gru: nn.GRU, inputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    return gru(inputs)[0][torch.arange(len(lengths)), lengths - 1]


@settings(max_examples=30, deadline=None)
@given(
    n_rows=st.integers(1, 9), n_steps=st.integers(1, 10), n_input=st.sampled_from([1, 8, 19]),
    n_hidden=st.sampled_from([1, 16, 21]), size=st.sampled_from([1, 2, 3]), seed=st.integers(0, 99),
)  # fmt: skip
def test_states_and_gradients_are_those_of_torch(
    n_rows: int, n_steps: int, n_input: int, n_hidden: int, size: int, seed: int
) -> None:
    torch.manual_seed(seed)
    gru, inputs = nn.GRU(n_input, n_hidden, batch_first=True), torch.randn(n_rows, n_steps, n_input, requires_grad=True)
    lengths, back = torch.randint(1, n_steps + 1, (n_rows,)), torch.randn(n_rows, n_hidden)
    wanted = (inputs, *gru.parameters())
    expected = of_torch(gru, inputs, lengths)
    exact = torch.autograd.grad(expected, wanted, back)
    torch.testing.assert_close(frozen(gru, inputs, lengths), expected.detach(), rtol=1e-5, atol=1e-6)
    with crew_of(size) as crew:
        work = work_of(crew)
        for _ in range(2):  # the second time in memory that was used
            states = last_states(inputs, lengths, gru, work)
            torch.testing.assert_close(states, expected, rtol=1e-5, atol=1e-6)
            found = torch.autograd.grad(states, wanted, back)
            for own, other in zip(found, exact, strict=True):
                torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)


def test_what_follows_the_last_item_has_no_influence() -> None:
    torch.manual_seed(0)
    gru, inputs, lengths = nn.GRU(3, 4, batch_first=True), torch.randn(5, 6, 3), torch.tensor([1, 6, 3, 2, 5])
    other = inputs.clone()
    for row, length in enumerate(lengths.tolist()):
        other[row, length:] = 1e6
    states = frozen(gru, inputs, lengths)
    assert torch.equal(states, frozen(gru, other, lengths))
    torch.testing.assert_close(states, of_torch(gru, inputs, lengths))


def test_nan_stays_nan() -> None:
    gru, inputs = nn.GRU(3, 4, batch_first=True), torch.zeros(2, 4, 3)
    inputs[1, 2, 0] = torch.nan
    states = frozen(gru, inputs, torch.tensor([4, 4]))
    assert states[0].isfinite().all()
    assert states[1].isnan().all()


@pytest.mark.parametrize("size", [1, 2])
def test_the_same_step_gives_the_same_bits(size: int) -> None:
    torch.manual_seed(0)
    gru, inputs, lengths = nn.GRU(16, 32, batch_first=True), torch.randn(65, 10, 16), torch.randint(1, 11, (65,))
    found = []
    with crew_of(size) as crew:
        for _ in range(3):
            states = last_states(inputs, lengths, gru, work_of(crew))
            found.append([states, *torch.autograd.grad(states.sum(), list(gru.parameters()))])
    assert all(torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))
