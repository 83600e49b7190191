"""Device, threads and random state are what was asked for, and are given back."""

import pytest
import torch

from models.config import Compute
from models.device import device_count, part_of, pick_device, seeded, threads
from models.errors import ModelError


def test_auto_prefers_cuda_then_mps_then_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for cuda, mps, expected in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert pick_device(Compute()).type == expected


def test_an_absent_device_is_an_error_that_lists_the_present_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match=r"'cuda'.*cpu.*'auto'"):
        pick_device(Compute(device="cuda"))


def test_threads_are_set_and_given_back_even_after_an_error() -> None:
    before = torch.get_num_threads()

    def fail_inside() -> None:
        with threads(Compute(threads=before + 1)):
            raise KeyError(torch.get_num_threads())

    with pytest.raises(KeyError, match=str(before + 1)):
        fail_inside()
    assert torch.get_num_threads() == before
    with threads(Compute()):
        assert torch.get_num_threads() == before


def test_seeded_draws_the_same_and_leaves_the_callers_state() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with seeded(torch.device("cpu"), 5):
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with seeded(torch.device("cpu"), 5):
        assert torch.equal(torch.rand(3), first)


def test_devices_are_every_gpu_or_as_many_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert device_count(Compute(device="cpu")) == 1
    assert device_count(Compute(device="cpu", devices=4)) == 4
    with pytest.raises(ModelError, match=r"devices is 5.*has 4 of cpu.*'auto'"):
        device_count(Compute(device="cpu", devices=5))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert device_count(Compute(device="cuda")) == 3


def test_processes_divide_the_threads_and_have_one_at_least() -> None:
    assert [part_of(Compute(threads=5), size).threads for size in (1, 2, 8)] == [5, 2, 1]
