"""The fused operations as a backend, for a CPU.

Legend: B batch, W windows evaluated.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from models.backend import Precision, batch_slices
from models.batches import Batch, DeviceWindows
from models.config import Training
from models.crew import Crew, shares
from models.errors import NonFiniteScoresError
from models.frozen_head import frozen_losses_and_ranks
from models.fused_gru import GRUWork, frozen_last_states, input_products, last_states
from models.fused_head import HeadWork, losses_and_ranks
from models.gru import NextItemGRU
from models.metrics import NOT_FINITE, Ties
from models.products import Bfloat16Products, Float32Products
from models.scratch import Scratch
from models.windows import UNKNOWN

_ROWS = 512
"""Of a member's batch in an evaluation: products of 128 are a quarter slower, more need memory."""
_BATCHES_AT_ONCE = 8
"""That a member scores before the crew meets."""


class FusedBackend:
    """As the reference, with the GRU and the output layer as one operation each.

    Embedding, dropout, LayerNorm and optimizer are torch's own.

    Parameters
    ----------
    crew
        That shares the work.
    precision
        Of a step's products.
    """

    name = "fused"

    def __init__(self, crew: Crew, precision: Precision = "fp32") -> None:
        self.precision: Precision = precision
        products = Bfloat16Products() if precision == "bf16" else Float32Products()
        self._crew = crew
        self._scratches = tuple(Scratch() for _ in range(crew.size))  # an evaluation is never within a step
        self._gru = GRUWork(crew, self._scratches, products)
        self._head = HeadWork(crew, self._scratches, products)

    def visit(self, model: NextItemGRU, batch: Batch, _config: Training, ties: Ties) -> tuple[Tensor, Tensor]:
        """As `Backend.visit`; the loss is the cross-entropy from logits."""
        last_BH = last_states(model.inputs(batch.history_BL), batch.length_B, model.gru, self._gru)
        parts = model.output.parts(model.readout(last_BH), model.embedding.weight)
        return losses_and_ranks(*parts, batch.target_B, ties, self._head)

    def evaluate(
        self, model: NextItemGRU, windows: DeviceWindows, indices: Tensor | None, ties: Ties, k: int = 0
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """As `Backend.evaluate`; each member of the crew has a batch of its own."""
        n_windows = len(windows) if indices is None else len(indices)
        at_once = _ROWS * _BATCHES_AT_ONCE * self._crew.size
        for start in range(0, n_windows, at_once):
            rows = shares(min(at_once, n_windows - start), self._crew.size)
            own = [slice(start + each.start, start + each.stop) for each in rows]

            def score(member: int, own: list[slice] = own) -> tuple[Tensor, Tensor]:
                chosen = own[member] if indices is None else indices[own[member]]
                return self._frozen_visits(model, windows, chosen, ties, k, self._scratches[member])

            found, columns = zip(*self._crew.each(score), strict=True)
            loss_W, rank_W, is_known_W = torch.cat(found, 1)
            if not loss_W.isfinite().all():
                raise NonFiniteScoresError(NOT_FINITE)
            yield loss_W, rank_W, is_known_W.bool(), torch.cat(columns)

    @staticmethod
    @torch.no_grad()
    def _frozen_visits(
        model: NextItemGRU, windows: DeviceWindows, chosen: slice | Tensor, ties: Ties, k: int, scratch: Scratch
    ) -> tuple[Tensor, Tensor]:
        """Return (3, W) float64 losses, ranks, and whether targets are known, and (W, k) best columns of a member's."""
        every = windows.cut(chosen)
        code_U, place_WL = torch.unique(every.history_BL, return_inverse=True)
        product_UG = input_products(model.inputs(code_U), model.gru)
        found, columns = [torch.empty(3, 0, dtype=torch.float64)], [torch.empty(0, k, dtype=torch.int64)]
        for own in batch_slices(len(place_WL), _ROWS):
            target_B = every.target_B[own]
            last_BH = frozen_last_states(product_UG, place_WL[own], every.length_B[own], model.gru, scratch)
            parts = model.output.parts(model.readout(last_BH), model.embedding.weight)
            loss_B, rank_B, column_Bk = frozen_losses_and_ranks(*parts, target_B, ties, scratch, k)
            found.append(torch.stack([loss_B.double(), rank_B, (target_B != UNKNOWN).double()]))
            columns.append(column_Bk)
        return torch.cat(found, 1), torch.cat(columns)
