"""The windows a model learns from, as arrays: no window is stored, each is cut when it is read.

Legend: E events, W windows, B batch, L longest history (10), V items in the vocabulary.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HISTORY = 10
"""L: the most items a history holds."""
UNKNOWN = 0
"""Code of padding and of an item outside the vocabulary; items of the vocabulary are 1 to V."""


@dataclass(frozen=True)
class WindowSet:
    """The windows of one split over a flat array of events.

    Window w has the history ``events[ends[w] - lengths[w] : ends[w]]`` and the target ``events[ends[w]]``.
    Arrays may be memory-mapped; nothing here copies them.
    """

    events: NDArray[np.int32]  # E codes, 0 to V
    ends: NDArray[np.int64]  # W positions of the targets in events
    lengths: NDArray[np.uint8]  # W history lengths, 1 to L
    times: NDArray[np.int64] | None = None  # E microseconds since 1970 UTC, or places in a log that has no times

    def __len__(self) -> int:
        return len(self.ends)


@dataclass(frozen=True)
class TrainingData:
    """All that a training needs of a dataset."""

    train: WindowSet
    validation: WindowSet
    test: WindowSet
    n_items: int  # V
