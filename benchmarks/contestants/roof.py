"""The products of a training step and nothing else, as fast as the library makes them: FOLDER PRECISION.

The very shapes of a step, forward and backward, shared out to a crew as Sawtooth's step is. No training can be faster
that makes them. Legend: B batch, L history, D embedding, H state, G gates, C columns of a block.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from contestants.result import BATCH
from contestants.windows import read
from models.choice import products_of_onednn
from models.crew import crew_of, shares
from models.fused_head import BLOCK_SCORES

L, D, H, G = 10, 64, 128, 3 * 128
Product = tuple[Tensor, Tensor, Tensor]


def products(rows: int, columns: int, dtype: torch.dtype) -> list[Product]:
    """List what one member multiplies in a step: left, right and result."""

    def some(*shape: int) -> Tensor:
        return torch.randn(shape).to(dtype)

    input_RD, by_input_RG, w_GD, w_GH = some(rows * L, D), some(rows * L, G), some(G, D), some(G, H)
    states_LBH, by_state_LBG = some(L, rows, H), some(L, rows, G)
    states_RH, by_state_RG = states_LBH.view(-1, H), by_state_LBG.view(-1, G)
    read_in = [(input_RD, w_GD.T, by_input_RG)]
    read_in += [(states_LBH[step], w_GH.T, by_state_LBG[step]) for step in range(L)]
    scored, went_back = [], []
    last_BH, by_last_BH = some(BATCH, H), some(BATCH, H)
    for block in shares(columns, max(1, round(columns * BATCH / BLOCK_SCORES))):
        w_CH, score_BC = some(block.stop - block.start, H), some(BATCH, block.stop - block.start)
        scored.append((last_BH, w_CH.T, score_BC))
        went_back += [(score_BC, w_CH, by_last_BH), (score_BC.T, last_BH, torch.empty_like(w_CH))]
    through_time = [(by_state_LBG[step], w_GH, some(rows, H)) for step in range(L)]
    by_parameters = [(by_input_RG, w_GD, torch.empty_like(input_RD)), (by_input_RG.T, input_RD, some(G, D))]
    by_parameters += [(by_state_RG.T, states_RH, some(G, H))]
    return read_in + scored + went_back + through_time + by_parameters


def seconds(n_items: int, dtype: torch.dtype, steps: int) -> float:
    """Return the seconds of a step, by the median."""
    size = torch.get_num_threads()
    with torch.no_grad(), products_of_onednn(), crew_of(size) as crew:
        own = [products(BATCH // size, n_items // size, dtype) for _ in range(size)]

        def multiply(member: int) -> None:
            for left, right, out in own[member]:
                torch.mm(left, right, out=out)

        found = []
        for _ in range(steps):
            started = time.perf_counter()
            crew.each(multiply)
            found.append(time.perf_counter() - started)
    return statistics.median(found)


n_items, precision = read(Path(sys.argv[1])).n_items, {"fp32": torch.float32, "bf16": torch.bfloat16}[sys.argv[2]]
print(json.dumps({"train": BATCH / seconds(n_items, precision, 100 if n_items < 10_000 else 30)}))
