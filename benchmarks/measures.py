"""What each measure of the training step gives: the same training, one measure after the other, in turns.

From plain torch to the fused backend: products by oneDNN, the output layer as one operation, the GRU as one operation,
a crew of threads, products in bfloat16. Ratios are of the medians of rounds.
"""

import argparse
import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as python -m flows sets it; before torch is imported

import torch
from contestants.windows import data_of
from torch import Tensor

from models import training
from models.backend import Backend, ReferenceBackend
from models.batches import Batch
from models.choice import products_of_onednn
from models.config import Compute, Duration, Training
from models.crew import crew_of
from models.fused_backend import FusedBackend
from models.fused_head import HeadWork, losses_and_ranks
from models.gru import NextItemGRU
from models.metrics import Ties
from models.products import Float32Products
from models.scratch import Scratch


class FusedHead(ReferenceBackend):
    """The reference with the fused output layer; torch's own GRU has one thread, as all within a crew."""

    def __init__(self, size: int, stack: ExitStack) -> None:
        super().__init__()
        self.head = HeadWork(
            stack.enter_context(crew_of(size)), tuple(Scratch() for _ in range(size)), Float32Products()
        )

    def visit(self, model: NextItemGRU, batch: Batch, _config: Training, ties: Ties) -> tuple[Tensor, Tensor]:
        """As the reference, but for the output layer."""
        state_BH = model.states(batch.history_BL, batch.length_B)
        return losses_and_ranks(*model.output.parts(state_BH, model.embedding.weight), batch.target_B, ties, self.head)


def measures(stack: ExitStack, threads: int) -> dict[str, Callable[[], Backend]]:
    """Return what makes each backend, in the order in which measures are added."""

    def onednn(make: Callable[[], Backend]) -> Callable[[], Backend]:
        def made() -> Backend:
            stack.enter_context(products_of_onednn())
            return make()

        return made

    def crewed(size: int, precision: str = "fp32") -> Backend:
        return FusedBackend(stack.enter_context(crew_of(size)), precision)

    return {
        "plain torch": ReferenceBackend,
        "products by oneDNN": onednn(ReferenceBackend),
        "output layer fused, by the crew": onednn(lambda: FusedHead(threads, stack)),
        "GRU fused, too": onednn(lambda: crewed(threads)),
        "products in bfloat16": onednn(lambda: crewed(threads, "bf16")),
    }


def speed(name: str, items: int, steps: int, threads: int) -> float:
    """Return windows a second of the steps of a short training."""

    @contextmanager
    def chosen(*_: object) -> Iterator[Backend]:
        with ExitStack() as stack:
            yield measures(stack, threads)[name]()

    config = Training(epochs=1, evaluate_every=Duration(value=1), probe_windows=64)
    with patch.object(training, "backend_for", chosen):
        return training.train(
            data_of(items, 256 * steps), config, Compute(threads=threads), lambda _: None
        ).samples_per_s


def main() -> None:
    """Measure two catalogues, on one thread and on all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print("| items | threads | measure | windows/s | of plain torch |\n|---|---|---|---|---|")
    for items, steps in ((4_631, 120), (50_000, 24)):
        for threads in sorted({1, torch.get_num_threads()}):
            with ExitStack() as unused:
                names = list(measures(unused, 1))
            found: dict[str, list[float]] = {name: [] for name in names}
            for round_ in range(rounds + 1):
                for name in names:
                    value = speed(name, items, steps, threads)
                    found[name] += [value] if round_ else []  # the first compiles
            plain = statistics.median(found[names[0]])
            for name, values in found.items():
                middle = statistics.median(values)
                print(f"| {items:,} | {threads} | {name} | {middle:,.0f} | {middle / plain:.2f} |", flush=True)


if __name__ == "__main__":
    main()
