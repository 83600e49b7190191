"""A small log for the models room: 30 items that mostly follow each other, some unknown, short histories."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.config import Compute, Duration, Model, Training
from models.windows import HISTORY, TrainingData, WindowSet

N_ITEMS = 30


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def compute() -> Compute:
    return Compute(device="cpu", threads=1)


@pytest.fixture
def tiny() -> Callable[..., Training]:
    """Make a training of seconds; 203 windows in batches of 32 are 7 steps an epoch, the last of 11."""

    def make(**changes: object) -> Training:
        small = {
            "model": Model(embedding_dim=8, hidden_dim=12),
            "batch_size": 32,
            "epochs": 2,
            "probe_windows": 20,
            "cutoffs": (5, 1),
            "evaluate_every": Duration(value=0.25),
        }
        return Training.model_validate(small | changes)

    return make


@pytest.fixture
def data() -> TrainingData:
    rng = np.random.default_rng(7)
    steps = rng.integers(1, 4, 400)
    events = (np.cumsum(steps) % N_ITEMS + 1).astype(np.int32)
    events[300::11] = 0

    def windows(first: int, end: int) -> WindowSet:
        ends = np.arange(first, end, dtype=np.int64)
        lengths = np.minimum(rng.integers(1, HISTORY + 1, len(ends)), ends).astype(np.uint8)
        return WindowSet(events, ends, lengths)

    return TrainingData(windows(1, 204), windows(300, 350), windows(350, 400), N_ITEMS)


@pytest.fixture
def ages_of() -> Callable[..., NDArray[np.float64]]:
    """Say the ages that an order implies by a plain dictionary: (epochs, W) in epochs, NaN for first visits."""

    def naive(order: Callable[[int, int, int], NDArray[np.int64]], n_windows: int, epochs: int) -> NDArray[np.float64]:
        last: dict[int, int] = {}
        ages = []
        for visit, window in enumerate(
            np.concatenate([order(n_windows, 5, epoch) for epoch in range(epochs)]).tolist()
        ):
            ages.append((visit - last[window]) / n_windows if window in last else np.nan)
            last[window] = visit
        return np.array(ages).reshape(epochs, n_windows)

    return naive
