"""Batches against slices of the events."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from models.batches import on_device
from models.windows import HISTORY, TrainingData, WindowSet

CPU = torch.device("cpu")


def test_histories_are_left_aligned_and_padded_after_the_last_item() -> None:
    events = np.array([5, 6, 7, 8], dtype=np.int32)
    windows = WindowSet(events, np.array([3, 1, 3]), np.array([2, 1, 3], dtype=np.uint8))
    batch = on_device(windows, CPU).cut(torch.tensor([0, 1, 2, 0]))
    assert batch.history_BL.shape == (4, HISTORY)
    assert batch.history_BL[:, :4].tolist() == [[6, 7, 0, 0], [5, 0, 0, 0], [5, 6, 7, 0], [6, 7, 0, 0]]
    assert batch.history_BL[:, 4:].eq(0).all()
    assert batch.length_B.tolist() == [2, 1, 3, 2]
    assert batch.target_B.tolist() == [8, 6, 8, 8]
    assert batch.history_BL.dtype == batch.length_B.dtype == batch.target_B.dtype == torch.int64


def test_cutting_agrees_with_slicing_one_by_one(data: TrainingData) -> None:
    for windows in (data.train, data.validation, data.test):
        batch = on_device(windows, CPU).cut(slice(None))
        for row, (end, length) in enumerate(zip(windows.ends, windows.lengths, strict=True)):
            expected = windows.events[end - length : end].tolist()
            assert batch.history_BL[row].tolist() == expected + [0] * (HISTORY - len(expected))
            assert batch.target_B[row] == windows.events[end]


def test_read_only_maps_are_shared_without_a_copy_or_a_warning(tmp_path: Path) -> None:
    np.arange(20, dtype=np.int32).tofile(tmp_path / "events")
    np.array([3, 19]).tofile(tmp_path / "ends")
    np.array([3, 10], dtype=np.uint8).tofile(tmp_path / "lengths")
    maps = [
        np.memmap(tmp_path / name, dtype, "r")
        for name, dtype in (("events", np.int32), ("ends", np.int64), ("lengths", np.uint8))
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        windows = on_device(WindowSet(*maps), CPU)
    tensors = (windows.events_E, windows.ends_W, windows.lengths_W)
    assert [tensor.dtype for tensor in tensors] == [torch.int32, torch.int64, torch.uint8]
    assert [tensor.data_ptr() for tensor in tensors] == [array.ctypes.data for array in maps]
    assert windows.cut(slice(None)).history_BL[1].tolist() == list(range(9, 19))


@pytest.mark.parametrize("indices", [slice(5, 5), torch.empty(0, dtype=torch.int64)])
def test_no_windows_make_an_empty_batch(data: TrainingData, indices: slice | torch.Tensor) -> None:
    assert on_device(data.train, CPU).cut(indices).history_BL.shape == (0, HISTORY)
