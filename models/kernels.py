"""The passes over memory between the matrix products of a step, each number read and written once.

Compiled by numba when first called, and kept beside this file for the next process. They let go of the interpreter's
lock, so several threads of a `models.crew` run them at once. NaN stays NaN: only rules of arithmetic that keep it are
relaxed (sums may be reordered, products and sums joined).

Legend: B rows of a batch, L history, H state, G gates (3 H: reset, update, new), R rows of a table, C columns of a
block of the catalogue.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Counts = NDArray[np.int32]

_KEEPING_NAN = {"reassoc", "nsz", "arcp", "contract", "afn"}
_LOW, _HIGH = np.float32(-87.0), np.float32(88.0)
"""Between these e^x is a normal float32."""
_ONE = np.float32(1)

inlined = njit(inline="always", error_model="numpy", fastmath=_KEEPING_NAN)
"""Makes part of a pass of a function."""
compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath=_KEEPING_NAN)
"""Makes a pass of a function."""
compiled_without_nan = njit(nogil=True, cache=True, error_model="numpy", fastmath=_KEEPING_NAN | {"nnan"})
"""Likewise, for largest numbers: they leave NaN out, or need not be right where it is."""


@intrinsic
def _from_bits(_context: Any, _bits: Any) -> Any:
    """Read the 32 bits of an integer as a float."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@inlined
def exp(x: Any) -> Any:
    """Return e^x to 2e-7 of it: 2^n times a polynomial in what is left (coefficients: Cephes, expf)."""
    x = _LOW if x < _LOW else x
    x = _HIGH if x > _HIGH else x
    n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + _ONE
    return p * _from_bits((np.int32(n) + np.int32(127)) << np.int32(23))  # type: ignore[call-arg]


@inlined
def _sigmoid(x: Any) -> Any:
    return _ONE / (_ONE + exp(-x))


@inlined
def _tanh(x: Any) -> Any:
    return np.float32(2) / (_ONE + exp(np.float32(-2) * x)) - _ONE


@compiled
def gates(
    gates_RG: Floats, row_B: NDArray[np.int64], recurrent_BG: Floats, bias_2G: Floats, before_BH: Floats,
    recurrent_BH: Floats, after_BH: Floats,
) -> None:  # fmt: skip
    """Make one step of a GRU from its two products.

    Parameters
    ----------
    gates_RG
        Rows of the input's product with its weights; overwritten with reset, update and new.
    row_B
        Which of these rows is each window's.
    recurrent_BG
        The state's product with its weights.
    bias_2G
        Of input and state.
    before_BH
        The state.
    recurrent_BH
        To be filled: the part of the state's product that the reset gate lets through, with its bias.
    after_BH
        To be filled: the next state.
    """
    n_hidden = before_BH.shape[1]
    both = 2 * n_hidden
    bias_input, bias_state = bias_2G[0, both:], bias_2G[1, both:]
    for b in range(before_BH.shape[0]):
        r = row_B[b]
        sides, from_state = gates_RG[r, :both], recurrent_BG[b, :both]
        for j in range(both):
            sides[j] = _sigmoid(sides[j] + from_state[j] + bias_2G[0, j] + bias_2G[1, j])
        reset, update, new = gates_RG[r, :n_hidden], gates_RG[r, n_hidden:both], gates_RG[r, both:]
        from_state, recurrent = recurrent_BG[b, both:], recurrent_BH[b]
        for j in range(n_hidden):
            recurrent[j] = from_state[j] + bias_state[j]
        for j in range(n_hidden):
            new[j] = _tanh(new[j] + bias_input[j] + reset[j] * recurrent[j])
        before, after = before_BH[b], after_BH[b]
        for j in range(n_hidden):
            after[j] = new[j] + update[j] * (before[j] - new[j])


@inlined
def _gates_back_row(back_H: Any, before_H: Any, recurrent_H: Any, gates_G: Any, by_state_G: Any) -> None:
    """Go back through one window's gates: `gates_back`, but for the last state's gradient."""
    n_hidden = back_H.shape[0]
    both = 2 * n_hidden
    reset, update, new = gates_G[:n_hidden], gates_G[n_hidden:both], gates_G[both:]
    carried = by_state_G[both:]  # for a while: the part that goes past the products
    for j in range(n_hidden):
        carried[j] = back_H[j] * update[j]
    for j in range(n_hidden):
        update[j] = back_H[j] * (before_H[j] - new[j]) * update[j] * (_ONE - update[j])
    for j in range(n_hidden):
        new[j] = (back_H[j] - carried[j]) * (_ONE - new[j] * new[j])
    for j in range(n_hidden):
        back_H[j] = carried[j]
    for j in range(n_hidden):
        carried[j] = new[j] * reset[j]
    for j in range(n_hidden):
        reset[j] = new[j] * recurrent_H[j] * reset[j] * (_ONE - reset[j])
    for j in range(both):
        by_state_G[j] = gates_G[j]


@compiled
def gates_back(
    back_BH: Floats, last_BH: Floats, is_last_B: NDArray[np.bool_], before_BH: Floats, recurrent_BH: Floats,
    row_B: NDArray[np.int64], gates_RG: Floats, recurrent_back_BG: Floats,
) -> None:  # fmt: skip
    """Go back through `gates`.

    Parameters
    ----------
    back_BH
        The loss's gradient by the state after the step, as later steps have it; overwritten with the part of it that
        reaches the state before the step past the products.
    last_BH, is_last_B
        The gradient by a window's last state, and whether this step made it.
    before_BH, recurrent_BH, row_B
        As `gates` left them.
    gates_RG
        As `gates` left it; its rows are overwritten with the gradient by the input's product.
    recurrent_back_BG
        To be filled: the gradient by the state's product.
    """
    for b in range(back_BH.shape[0]):
        back = back_BH[b]
        if is_last_B[b]:
            last = last_BH[b]
            for j in range(back.shape[0]):
                back[j] += last[j]
        _gates_back_row(back, before_BH[b], recurrent_BH[b], gates_RG[row_B[b]], recurrent_back_BG[b])


@compiled_without_nan
def add_bias(score_BC: Floats, bias_C: Floats, largest_B: Floats) -> None:
    """Add the bias to a block of scores; raise ``largest_B`` to the largest of each row, of those that are not NaN."""
    for b in range(score_BC.shape[0]):
        row = score_BC[b]
        largest = largest_B[b]
        for j in range(row.shape[0]):
            row[j] += bias_C[j]
            largest = max(largest, row[j])
        largest_B[b] = largest


@compiled
def count(score_BC: Floats, target_B: Floats, above_B: Counts, equal_B: Counts) -> None:
    """Add how many scores of a block are above, and equal to, the target's."""
    for b in range(score_BC.shape[0]):
        row, target = score_BC[b], target_B[b]
        above, equal = np.int32(0), np.int32(0)
        for j in range(row.shape[0]):
            above += np.int32(row[j] > target)
            equal += np.int32(row[j] == target)
        above_B[b] += above
        equal_B[b] += equal


@compiled
def exponentiate(score_BC: Floats, largest_B: Floats, sum_B: NDArray[np.float64]) -> None:
    """Overwrite scores with e to the power of what they are above the row's largest; add up each row."""
    for b in range(score_BC.shape[0]):
        row, largest = score_BC[b], largest_B[b]
        total = np.float32(0)
        for j in range(row.shape[0]):
            row[j] = exp(row[j] - largest)
            total += row[j]
        sum_B[b] += total


@compiled
def add_columns(exponential_BC: Floats, share_B: Floats, sum_C: Floats) -> None:
    """Overwrite ``sum_C`` with the columns' sums, each row weighing its share."""
    sum_C[:] = 0
    for b in range(exponential_BC.shape[0]):
        row, share = exponential_BC[b], share_B[b]
        for j in range(row.shape[0]):
            sum_C[j] += share * row[j]
