"""Recommends items to histories that are given as codes.

Legend: N histories, L longest history (10), V items.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.backend import rows_per_batch
from models.errors import ModelError
from models.evaluation import frozen
from models.gru import NextItemGRU
from models.windows import HISTORY, UNKNOWN


def recommend(
    model: NextItemGRU,
    histories: Sequence[Sequence[int]],
    k: int,
    left_out: Sequence[NDArray[np.int32]] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Give each history the k items that most probably come next.

    Parameters
    ----------
    model
        On any device.
    histories
        N histories of codes 0 (unknown) to V, oldest first; the last 10 of each count.
    k
        Items a history, 1 to V.
    left_out
        For each history codes 1 to V that are not recommended, such as all that was seen; None: nothing is left out.

    Returns
    -------
    tuple of numpy.ndarray
        (N, k) int64 codes, the best first, and their (N, k) float32 logits. Where fewer than k items are not left out,
        the last codes are `UNKNOWN` and their logits minus infinity.

    Raises
    ------
    ModelError
        If a history is empty or holds a code that is not of the vocabulary, or k is out of its range.
    """
    if not 1 <= k <= model.n_items:
        message = f"k is {k}, but the vocabulary has {model.n_items} items: ask for 1 to {model.n_items}."
        raise ModelError(message)
    for index, history in enumerate(histories):
        _require_known_codes(index, history, model.n_items)
    device = model.embedding.weight.device
    rows = rows_per_batch(model.n_items, device)
    codes, scores = np.empty((len(histories), k), np.int64), np.empty((len(histories), k), np.float32)
    with frozen(model):
        for start in range(0, len(histories), rows):
            chosen = slice(start, start + rows)
            logits_NV = model(*pad(histories[chosen], device))
            if left_out is not None:
                _leave_out(logits_NV, left_out[chosen])
            best = logits_NV.topk(k)
            codes[chosen] = (best.indices + 1).masked_fill(best.values == -torch.inf, UNKNOWN).cpu().numpy()
            scores[chosen] = best.values.cpu().numpy()
    return codes, scores


def _leave_out(logits_NV: Tensor, left_out: Sequence[NDArray[np.int32]]) -> None:
    rows = np.repeat(np.arange(len(left_out)), [len(codes) for codes in left_out])
    columns = np.concatenate(left_out).astype(np.int64) - 1
    logits_NV[torch.from_numpy(rows), torch.from_numpy(columns)] = -torch.inf


def pad(histories: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Lay the last items of histories out as the model reads them.

    Parameters
    ----------
    histories
        N histories of codes, none empty.
    device
        Where the model is.

    Returns
    -------
    tuple of torch.Tensor
        (N, L) int64 codes, oldest in column 0 and `UNKNOWN` after the last, and (N,) int64 lengths.
    """
    kept = [list(history[-HISTORY:]) for history in histories]
    history_NL = [items + [UNKNOWN] * (HISTORY - len(items)) for items in kept]
    length_N = torch.tensor([len(items) for items in kept], device=device)
    return torch.tensor(history_NL, dtype=torch.int64, device=device), length_N


def _require_known_codes(index: int, history: Sequence[int], n_items: int) -> None:
    if len(history) == 0:
        message = (
            f"History {index} is empty: the model needs at least one item. "
            "Recommend something that asks for no history, such as the popular items."
        )
        raise ModelError(message)
    strangers = [code for code in history if not 0 <= code <= n_items]
    if strangers:
        message = (
            f"History {index} holds the code {strangers[0]}, but codes go from 0 (unknown) to {n_items}. "
            "Translate items by the vocabulary of the model's own dataset."
        )
        raise ModelError(message)
