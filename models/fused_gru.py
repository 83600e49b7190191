"""A one-layer GRU as one operation: the library's products, and one pass over memory between them.

The same mathematics as `torch.nn.GRU` (Cho et al., 2014, arXiv 1406.1078, with the reset gate after the product, as
cuDNN has it), forward and backward, on the CPU. Windows are shared out to a crew.

Legend: B batch, L history, D embedding, H state, G gates (3 H), U distinct items.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.crew import Crew, shares
from models.kernels import Floats, gates, gates_back
from models.products import Float32Products, Products
from models.scratch import Scratch


@dataclass(frozen=True)
class GRUWork:
    """A crew that shares a batch, and its memory."""

    crew: Crew
    scratches: tuple[Scratch, ...]  # one a member
    products: Products


def last_states(input_BLD: Tensor, length_B: Tensor, gru: nn.GRU, work: GRUWork) -> Tensor:
    """Read histories to the state after their last item.

    Parameters
    ----------
    input_BLD
        (B, L, D) float32 on the CPU; what follows the first ``length_B`` rows has no influence.
    length_B
        (B,) int64, 1 to L.
    gru
        One layer, one direction, batch first, with biases.
    work
        Holds one step at a time: go back before going forward again.

    Returns
    -------
    torch.Tensor
        (B, H) float32.
    """
    result: Tensor = _LastStates.apply(input_BLD, length_B, *_parameters(gru), work)  # type: ignore[no-untyped-call]
    return result


def frozen_last_states(product_UG: Tensor, place_BL: Tensor, length_B: Tensor, gru: nn.GRU, scratch: Scratch) -> Tensor:
    """Read histories with no way back; by one thread.

    Parameters
    ----------
    product_UG
        (U, G) of `input_products`.
    place_BL
        (B, L) int64: which of its rows is the item's.
    length_B, gru
        As for `last_states`.
    scratch
        Holds the states.

    Returns
    -------
    torch.Tensor
        (B, H) float32.
    """
    _, state_GH, b_G, c_G = (each.detach() for each in _parameters(gru))
    weights = _Weights.of(product_UG, state_GH, b_G, c_G, Float32Products())  # only the state's are multiplied
    gates_RG = scratch.take("gates", place_BL.numel(), len(state_GH))
    torch.index_select(product_UG, 0, place_BL.flatten(), out=gates_RG)
    state_LBH, _ = _forward(gates_RG, place_BL.shape[1], weights, scratch)
    return _last(state_LBH, length_B)


def input_products(input_UD: Tensor, gru: nn.GRU) -> Tensor:
    """Multiply inputs that many windows share once for all of them.

    Parameters
    ----------
    input_UD
        (U, D) float32, an item each.
    gru
        As for `last_states`.

    Returns
    -------
    torch.Tensor
        (U, G) float32.
    """
    return input_UD @ _parameters(gru)[0].T


@dataclass(frozen=True)
class _Weights:
    """A GRU's weights, ready to be multiplied, and what multiplies."""

    input_GD: Tensor
    state_GH: Tensor
    bias_2G: Floats  # of input and state
    products: Products

    @classmethod
    def of(cls, input_GD: Tensor, state_GH: Tensor, b_G: Tensor, c_G: Tensor, products: Products) -> "_Weights":
        bias_2G = torch.stack([b_G, c_G]).numpy()
        return cls(products.ready(input_GD), products.ready(state_GH), bias_2G, products)


@dataclass(frozen=True)
class _Pass:
    """What one member leaves on its way forward for its way back; rows are its own share of the batch."""

    input_BLD: Tensor
    state_LBH: Tensor  # L + 1 states, the first of zeros
    recurrent_LBH: Tensor
    gates_RG: Tensor  # row b * L + l


class _LastStates(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, input_BLD: Tensor, length_B: Tensor, w_GD: Tensor, w_GH: Tensor, b_G: Tensor, c_G: Tensor,
        work: GRUWork,
    ) -> Tensor:  # fmt: skip
        rows, weights = shares(len(length_B), work.crew.size), _Weights.of(w_GD, w_GH, b_G, c_G, work.products)

        def read(member: int) -> _Pass:
            return _read(input_BLD[rows[member]], weights, work.scratches[member])

        passes = work.crew.each(read)
        ctx.passes, ctx.rows, ctx.weights, ctx.work = passes, rows, weights, work
        ctx.save_for_backward(length_B)
        return torch.cat([_last(each.state_LBH, length_B[row]) for each, row in zip(passes, rows, strict=True)])

    @staticmethod
    def backward(ctx: Any, back_BH: Tensor) -> tuple[Tensor | None, ...]:
        (length_B,) = ctx.saved_tensors
        _, n_steps, n_input = ctx.passes[0].input_BLD.shape
        input_back_BLD = back_BH.new_empty(len(back_BH), n_steps, n_input)

        def go_back(member: int) -> tuple[Tensor, ...]:
            row, scratch = ctx.rows[member], ctx.work.scratches[member]
            by_product_LBG = _through_time(ctx.passes[member], back_BH[row], length_B[row], ctx.weights, scratch)
            return _by_parameters(ctx.passes[member], by_product_LBG, ctx.weights, input_back_BLD[row])

        parts = zip(*ctx.work.crew.each(go_back), strict=True)
        return input_back_BLD, None, *(torch.stack(part).sum(0) for part in parts), None


def _parameters(gru: nn.GRU) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    input_GD, state_GH, b_G, c_G = gru.parameters()  # of one layer and direction, in this order
    return input_GD, state_GH, b_G, c_G


def _last(state_LBH: Tensor, length_B: Tensor) -> Tensor:
    return state_LBH[length_B, torch.arange(len(length_B))]


def _read(input_BLD: Tensor, weights: _Weights, scratch: Scratch) -> _Pass:
    n_rows, n_steps, n_input = input_BLD.shape
    gates_RG = scratch.take("gates", n_rows * n_steps, len(weights.state_GH))
    weights.products.into(gates_RG, input_BLD.reshape(-1, n_input), weights.input_GD.T)
    return _Pass(input_BLD, *_forward(gates_RG, n_steps, weights, scratch), gates_RG)


def _forward(gates_RG: Tensor, n_steps: int, weights: _Weights, scratch: Scratch) -> tuple[Tensor, Tensor]:
    """Turn the inputs' products into gates, step by step; return the states and what the reset gate let through."""
    n_gates, n_hidden = weights.state_GH.shape
    n_rows = len(gates_RG) // n_steps
    product_BG = scratch.take("product", n_rows, n_gates)
    state_LBH = scratch.take("state", n_steps + 1, n_rows, n_hidden)
    recurrent_LBH = scratch.take("recurrent", n_steps, n_rows, n_hidden)
    state_LBH[0] = 0
    gated, product, states, recurrents = (each.numpy() for each in (gates_RG, product_BG, state_LBH, recurrent_LBH))
    row_B = np.arange(n_rows) * n_steps
    for step in range(n_steps):
        weights.products.into(product_BG, state_LBH[step], weights.state_GH.T)
        gates(gated, row_B + step, product, weights.bias_2G, states[step], recurrents[step], states[step + 1])
    return state_LBH, recurrent_LBH


def _through_time(passed: _Pass, last_BH: Tensor, length_B: Tensor, weights: _Weights, scratch: Scratch) -> Tensor:
    """Go back to the gradient by the products: by the state's as returned, by the input's in place of the gates."""
    n_steps, n_rows, n_hidden = passed.recurrent_LBH.shape
    by_product_LBG = scratch.take("by product", n_steps, n_rows, len(weights.state_GH))
    back_BH = scratch.take("back", n_rows, n_hidden).zero_()
    kept = (back_BH, last_BH, length_B, passed.state_LBH, passed.recurrent_LBH, passed.gates_RG, by_product_LBG)
    back, last, lengths, states, recurrents, gated, by_product = (each.numpy() for each in kept)
    row_B = np.arange(n_rows) * n_steps
    for step in reversed(range(n_steps)):
        is_last_B, rows = lengths == step + 1, row_B + step
        gates_back(back, last, is_last_B, states[step], recurrents[step], rows, gated, by_product[step])
        weights.products.onto(back_BH, by_product_LBG[step], weights.state_GH)
    return by_product_LBG


def _by_parameters(
    passed: _Pass, by_product_LBG: Tensor, weights: _Weights, by_input_BLD: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fill the gradient by the input, and return those by both weights and both biases."""
    by_input_RG, by_state_RG = passed.gates_RG, by_product_LBG.view(-1, len(weights.state_GH))
    input_RD = passed.input_BLD.reshape(-1, passed.input_BLD.shape[2])
    state_RH = passed.state_LBH[:-1].reshape(-1, passed.state_LBH.shape[2])
    by_w_GD, by_w_GH = (state_RH.new_empty(len(weights.state_GH), each.shape[1]) for each in (input_RD, state_RH))
    weights.products.into(by_input_BLD.view_as(input_RD), by_input_RG, weights.input_GD)
    weights.products.into(by_w_GD, by_input_RG.T, input_RD)
    weights.products.into(by_w_GH, by_state_RG.T, state_RH)
    return by_w_GD, by_w_GH, by_input_RG.sum(0), by_state_RG.sum(0)
