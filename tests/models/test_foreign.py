"""Windows said in another vocabulary are the same windows."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.batches import on_device
from models.config import Compute, Model
from models.foreign import ranks_on, translated
from models.gru import build_model
from models.windows import WindowSet

V = 9


@st.composite
def window_sets(draw: st.DrawFn) -> WindowSet:
    events = draw(st.lists(st.integers(0, V), min_size=2, max_size=40))
    ends = draw(st.lists(st.integers(1, len(events) - 1), max_size=20))
    lengths = [draw(st.integers(1, min(10, end))) for end in ends]
    return WindowSet(np.array(events, np.int32), np.array(ends, np.int64), np.array(lengths, np.uint8))


def plain(windows: WindowSet, code_of) -> list[tuple[list[int], int]]:
    """Cut the windows one by one."""
    said = [int(code_of[code]) for code in windows.events]
    return [
        (said[end - length : end], said[end])
        for end, length in zip(windows.ends.tolist(), windows.lengths.tolist(), strict=True)
    ]


@given(window_sets(), st.lists(st.integers(0, 30), min_size=V, max_size=V))
def test_each_window_is_translated_and_stays_in_its_place(windows, others):
    code_of = np.array([0, *others], np.int32)
    same = np.arange(31, dtype=np.int32)
    assert plain(translated(windows, code_of), same) == plain(windows, code_of)


def test_only_the_windows_own_events_are_copied():
    events = np.zeros(1_000_000, np.int32)
    windows = WindowSet(events, np.array([10, 999_999]), np.array([10, 3], np.uint8))
    assert len(translated(windows, np.zeros(V + 1, np.int32)).events) == 11 + 4


def test_a_model_ranks_a_permuted_vocabulary_as_its_own(data):
    model = build_model(Model(embedding_dim=4, hidden_dim=5), data.n_items, seed=3).eval()
    to_other = np.concatenate([[0], np.random.default_rng(1).permutation(data.n_items) + 1]).astype(np.int32)
    back = np.argsort(to_other).astype(np.int32)
    compute = Compute(device="cpu", threads=1)
    own = ranks_on(model, data.test, "expected", compute)
    foreign = WindowSet(to_other[data.test.events], data.test.ends, data.test.lengths)
    assert np.array_equal(ranks_on(model, translated(foreign, back), "expected", compute), own)
    assert np.isfinite(own).any()


def test_an_item_that_the_model_does_not_know_is_a_miss(data):
    model = build_model(Model(embedding_dim=4, hidden_dim=5), data.n_items, seed=3)
    code_of = np.arange(data.n_items + 1, dtype=np.int32)
    code_of[5] = 0
    targets = on_device(data.test, torch.device("cpu")).cut(slice(None)).target_B.numpy()
    ranks = ranks_on(model, translated(data.test, code_of), "expected", Compute(device="cpu", threads=1))
    assert np.array_equal(np.isinf(ranks), np.isin(targets, [0, 5]))
    assert (targets == 5).any()
    assert next(model.parameters()).device.type == "cpu"
