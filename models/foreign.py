"""A model on windows of another dataset: tomorrow's log has other items, and codes are a dataset's own.

Legend: W windows, E events, V items of the windows' dataset.
"""

import numpy as np
from numpy.typing import NDArray

from models.batches import on_device
from models.choice import backend_for
from models.config import Compute, Training
from models.device import pick_device, threads
from models.evaluation import window_ranks
from models.gru import NextItemGRU
from models.metrics import Ties
from models.windows import WindowSet


def translated(windows: WindowSet, code_of: NDArray[np.int32]) -> WindowSet:
    """Say windows in the codes of another vocabulary.

    Parameters
    ----------
    windows
        A split.
    code_of
        (V + 1,) the other code of each code, 0 where it has none; 0 at place 0.

    Returns
    -------
    WindowSet
        The same windows in the same order. Only their own events are copied, not the log: 4 bytes each.
    """
    span_W = windows.lengths.astype(np.int64) + 1  # a history and its target
    stop_W = np.cumsum(span_W)
    shift_W = windows.ends + 1 - stop_W  # from the place in the copy to the place in the log
    places = np.arange(span_W.sum()) + np.repeat(shift_W, span_W)
    return WindowSet(code_of[windows.events[places]], stop_W - 1, windows.lengths)


def ranks_on(model: NextItemGRU, windows: WindowSet, ties: Ties, compute: Compute) -> NDArray[np.float64]:
    """Rank the target of each window.

    Parameters
    ----------
    model
        Any; it is given back on the CPU.
    windows
        In the codes of the model's own vocabulary.
    ties
        Where a target stands among items of its own score.
    compute
        Where to run.

    Returns
    -------
    numpy.ndarray
        (W,) ranks from 1; infinity for a target that the model does not know.

    Raises
    ------
    ModelError
        If the device is absent, or the model's scores hold NaN or infinity.
    """
    device = pick_device(compute)
    with threads(compute):
        try:
            with backend_for(Training(), "fp32", compute, device) as backend:
                found = window_ranks(model.to(device), on_device(windows, device), ties, backend=backend)
            return found.numpy()
        finally:
            model.cpu()
