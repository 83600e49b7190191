"""An exponential moving average of the weights (Polyak & Juditsky, 1992; Izmailov et al., 2018, arXiv 1803.05407)."""

from copy import deepcopy

import torch

from models.gru import NextItemGRU


class WeightAverage:
    """A model whose weights are the average of another's.

    The share kept at update n is min(decay, (1 + n) / (10 + n)), as in TensorFlow's
    ``ExponentialMovingAverage(num_updates=n)``: short at first, so that the initial weights are soon forgotten.

    Parameters
    ----------
    model
        To be followed; copied as it is.
    decay
        Share of the average kept at an update in the long run, 0 to 1.
    """

    def __init__(self, model: NextItemGRU, decay: float) -> None:
        self.model = deepcopy(model).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def follow(self, model: NextItemGRU, n_updates: int) -> None:
        """Take an update in.

        Parameters
        ----------
        model
            The one followed, just updated.
        n_updates
            That it has had, from 1.
        """
        kept = min(self.decay, (1 + n_updates) / (10 + n_updates))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - kept)
