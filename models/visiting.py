"""A step's losses as a module, which is what torch's DistributedDataParallel takes: it means the gradients.

Legend: B batch.
"""

from torch import Tensor, nn

from models.backend import Backend
from models.batches import Batch
from models.config import Training
from models.gru import NextItemGRU
from models.metrics import Ties
from models.world import World


class Visiting(nn.Module):
    """A model with what computes its losses.

    Parameters
    ----------
    model
        In training mode.
    backend
        That computes them.
    config
        The question; its loss.
    ties
        Where a target stands among items of its own score.
    """

    def __init__(self, model: NextItemGRU, backend: Backend, config: Training, ties: Ties) -> None:
        super().__init__()
        self.model = model
        self._backend = backend
        self._config = config
        self._ties = ties

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Make the losses that a step learns from, and the ranks by the same scores.

        Parameters
        ----------
        batch
            On the device of the model.

        Returns
        -------
        tuple of torch.Tensor
            (B,) losses in nats, 0 where the target is unknown; (B,) ranks.
        """
        return self._backend.visit(self.model, batch, self._config, self._ties)


def in_step(visiting: Visiting, world: World) -> nn.Module:
    """Keep the weights of all processes in step: a backward pass leaves the same gradients in each.

    Parameters
    ----------
    visiting
        This process's, on its final device.
    world
        The processes.

    Returns
    -------
    torch.nn.Module
        It, or around it torch's module, which replaces each gradient by its **mean** over the processes.
    """
    if world.size == 1:
        return visiting
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(visiting, gradient_as_bucket_view=True)  # which saves a copy of all gradients
