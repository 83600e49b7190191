"""Windows a second: Sawtooth's training step and evaluation beside the plain loop that a user writes.

Both train the same network (embedding 64, GRU 128, full softmax, Adam) on the same windows in turns, several
times, because machines are shared and their speed drifts: the ratio of a pair is what counts.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from models.config import Compute, Duration, Training
from models.training import train
from models.windows import TrainingData, WindowSet

BATCH, STEPS = 256, 120


class PlainWindows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Windows as a user stores them: one padded matrix."""

    def __init__(self, windows: WindowSet) -> None:
        back = np.arange(10)
        places = windows.ends[:, None] - windows.lengths[:, None].astype(np.int64) + back
        inside = back < windows.lengths[:, None]
        self.history = torch.from_numpy(np.where(inside, windows.events[np.where(inside, places, 0)], 0)).long()
        self.target = torch.from_numpy(windows.events[windows.ends]).long()

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.history[index], self.target[index]


class PlainGRU(nn.Module):
    """The network as a user writes it."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_items + 1, 64, padding_idx=0)
        self.gru = nn.GRU(64, 128, batch_first=True)
        self.output = nn.Linear(128, n_items + 1)

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        """Score all items."""
        states, _ = self.gru(self.embedding(history))
        last = (history > 0).sum(1).clamp(min=1) - 1
        return self.output(states[torch.arange(len(history)), last])


def data_of(n_items: int, n_windows: int) -> TrainingData:
    """Make random windows; speed does not depend on what they say."""
    rng = np.random.default_rng(0)
    events = (rng.zipf(1.3, n_windows + 5_000) % n_items + 1).astype(np.int32)

    def windows(start: int, count: int) -> WindowSet:
        ends = np.arange(start, start + count, dtype=np.int64) + 10
        return WindowSet(events, ends, np.full(count, 10, np.uint8))

    return TrainingData(windows(0, n_windows), windows(0, 1_000), windows(0, 1_000), n_items)


def plain(data: TrainingData) -> float:
    """Return windows a second of the plain loop, hit ratio of each batch included."""
    model = PlainGRU(data.n_items)
    adam = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(PlainWindows(data.train), BATCH, shuffle=True)
    started, hits = time.perf_counter(), 0
    for history, target in loader:
        logits = model(history)
        loss = nn.functional.cross_entropy(logits, target)
        adam.zero_grad()
        loss.backward()
        adam.step()
        hits += int((logits.topk(10).indices == target[:, None]).sum())
    return len(data.train) / (time.perf_counter() - started)


def sawtooth(data: TrainingData) -> float:
    """Return windows a second of Sawtooth's steps, with every per-step record."""
    config = Training(epochs=1, evaluate_every=Duration(value=1, unit="epochs"), probe_windows=100, batch_size=BATCH)
    return train(data, config, Compute(), lambda _: None).samples_per_s


def measure(name: str, data: TrainingData, pairs: int) -> None:
    """Time both in turns and print medians and the ratio of each pair."""
    runs: dict[str, list[float]] = {"plain": [], "sawtooth": []}
    kinds: dict[str, Callable[[TrainingData], float]] = {"plain": plain, "sawtooth": sawtooth}
    for _ in range(pairs):
        for kind, run in kinds.items():
            runs[kind].append(run(data))
    ratios = sorted(ours / theirs for ours, theirs in zip(runs["sawtooth"], runs["plain"], strict=True))
    middle = {kind: statistics.median(values) for kind, values in runs.items()}
    print(
        f"{name}: plain {middle['plain']:,.0f}, sawtooth {middle['sawtooth']:,.0f} windows/s,"
        f" ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def main() -> None:
    """Measure two catalogues."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {BATCH}, {STEPS} steps a run")
    for n_items in (4_600, 50_000):
        measure(f"{n_items:,} items", data_of(n_items, BATCH * (STEPS if n_items < 10_000 else STEPS // 6)), pairs)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")


if __name__ == "__main__":
    main()
