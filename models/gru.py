"""The model: a one-layer GRU over the last items, with a linear output over the catalogue.

Legend: B batch, L longest history (10), D embedding, H state, V items.
"""

import torch
from torch import Tensor, nn

from models.config import Model
from models.device import seeded
from models.seeds import Stream, torch_seed
from models.windows import UNKNOWN


class NextItemGRU(nn.Module):
    """Scores every item of the catalogue as the next one (GRU4Rec: Hidasi et al., 2016, arXiv 1511.06939).

    Parameters
    ----------
    config
        Sizes and options.
    n_items
        V, items in the vocabulary; their codes are 1 to V.
    """

    def __init__(self, config: Model, n_items: int) -> None:
        super().__init__()
        self.config = config
        self.n_items = n_items
        # Row 0 stays zero: padding, and an item outside the vocabulary, which tells the model nothing.
        self.embedding = nn.Embedding(n_items + 1, config.embedding_dim, padding_idx=UNKNOWN)
        self.gru = nn.GRU(config.embedding_dim, config.hidden_dim, batch_first=True)
        self.layer_norm = nn.LayerNorm(config.hidden_dim) if config.layer_norm else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.output = SeparateOutput(config, n_items) if config.output == "separate" else TiedOutput(config, n_items)
        if config.output == "tied":
            self._shrink_embedding()

    def _shrink_embedding(self) -> None:
        # As output weights, N(0, 1) rows would start the logits with a variance of D instead of 1.
        with torch.no_grad():
            self.embedding.weight.mul_(self.config.embedding_dim**-0.5)

    def states(self, history_BL: Tensor, length_B: Tensor) -> Tensor:
        """Read histories to the state after their last item.

        Parameters
        ----------
        history_BL
            (B, L) int64 codes, oldest first; whatever follows the first ``length_B`` codes is not seen.
        length_B
            (B,) int64, 1 to L.

        Returns
        -------
        torch.Tensor
            (B, H) float32.
        """
        state_BLH, _ = self.gru(self.inputs(history_BL))
        row_B = torch.arange(length_B.shape[0], device=length_B.device)  # len() would fix the size in an export
        return self.readout(state_BLH[row_B, length_B - 1])

    def inputs(self, history_BL: Tensor) -> Tensor:
        """Embed histories, as the GRU reads them.

        Parameters
        ----------
        history_BL
            (B, L) int64 codes.

        Returns
        -------
        torch.Tensor
            (B, L, D) float32.
        """
        result: Tensor = self.dropout(self.embedding(history_BL))
        return result

    def readout(self, last_BH: Tensor) -> Tensor:
        """Turn the GRU's last states into those that the output layer reads.

        Parameters
        ----------
        last_BH
            (B, H) float32.

        Returns
        -------
        torch.Tensor
            (B, H) float32.
        """
        result: Tensor = self.dropout(self.layer_norm(last_BH))
        return result

    def forward(self, history_BL: Tensor, length_B: Tensor) -> Tensor:
        """Score the catalogue.

        Parameters
        ----------
        history_BL
            (B, L) int64 codes, oldest first, padded with 0 after the last.
        length_B
            (B,) int64, 1 to L.

        Returns
        -------
        torch.Tensor
            (B, V) float32 logits; column j is the item of code j + 1.
        """
        logits_BV: Tensor = self.output(self.states(history_BL, length_B), self.embedding.weight)
        return logits_BV


class SeparateOutput(nn.Module):
    """Output weights of their own.

    Parameters
    ----------
    config
        Sizes and options.
    n_items
        V.
    """

    def __init__(self, config: Model, n_items: int) -> None:
        super().__init__()
        self.linear = nn.Linear(config.hidden_dim, n_items, bias=config.output_bias)

    def parts(self, state_BH: Tensor, _embedding_UD: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Give what is multiplied; the embedding is not used.

        Parameters
        ----------
        state_BH
            (B, H) float32.

        Returns
        -------
        tuple
            (B, H) states, (V, H) weights and (V,) biases, or None.
        """
        return state_BH, self.linear.weight, self.linear.bias

    def forward(self, state_BH: Tensor, embedding_UD: Tensor) -> Tensor:
        """Score the catalogue from states.

        Parameters
        ----------
        state_BH
            (B, H) float32.
        embedding_UD
            (V + 1, D) float32.

        Returns
        -------
        torch.Tensor
            (B, V) float32 logits.
        """
        return nn.functional.linear(*self.parts(state_BH, embedding_UD))


class TiedOutput(nn.Module):
    """The item embedding used again as output weights (Press & Wolf, 2017, arXiv 1608.05859).

    Parameters
    ----------
    config
        Sizes and options; a state wider or narrower than the embedding is first projected to it.
    n_items
        V.
    """

    def __init__(self, config: Model, n_items: int) -> None:
        super().__init__()
        fits = config.hidden_dim == config.embedding_dim
        self.project = nn.Identity() if fits else nn.Linear(config.hidden_dim, config.embedding_dim, bias=False)
        self.bias = nn.Parameter(torch.zeros(n_items)) if config.output_bias else None

    def parts(self, state_BH: Tensor, embedding_UD: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Give what is multiplied: projected states and the embedding.

        Parameters
        ----------
        state_BH
            (B, H) float32.
        embedding_UD
            (V + 1, D) float32; row 0, of no item, is left out.

        Returns
        -------
        tuple
            (B, D) states, (V, D) weights and (V,) biases, or None.
        """
        return self.project(state_BH), embedding_UD[UNKNOWN + 1 :], self.bias

    def forward(self, state_BH: Tensor, embedding_UD: Tensor) -> Tensor:
        """Score the catalogue from states by the embedding.

        Parameters
        ----------
        state_BH
            (B, H) float32.
        embedding_UD
            (V + 1, D) float32; row 0, of no item, is left out.

        Returns
        -------
        torch.Tensor
            (B, V) float32 logits.
        """
        return nn.functional.linear(*self.parts(state_BH, embedding_UD))


def build_model(config: Model, n_items: int, seed: int) -> NextItemGRU:
    """Make a model whose initial weights depend only on the arguments.

    Parameters
    ----------
    config
        Sizes and options.
    n_items
        V, at least 1.
    seed
        The training's seed, at least 0.

    Returns
    -------
    NextItemGRU
        On the CPU, in training mode; the caller's random state is as before.
    """
    with seeded(torch.device("cpu"), torch_seed(seed, Stream.WEIGHTS)):
        return NextItemGRU(config, n_items)
