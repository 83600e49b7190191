"""The loop that a user writes, from the initial weights and in the order of Sawtooth's: FOLDER."""

import sys
import time
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from contestants.result import BATCH, LR, WARM_STEPS, rate, tell
from contestants.windows import padded, read
from models.config import Training
from models.gru import build_model
from models.orders import order_of
from models.windows import WindowSet


class PlainGRU(nn.Module):
    """The network as a user writes it; column j of its scores is the item of code j + 1."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_items + 1, 64, padding_idx=0)
        self.gru = nn.GRU(64, 128, batch_first=True)
        self.output = nn.Linear(128, n_items)

    def forward(self, history: Tensor) -> Tensor:
        """Score all items."""
        states, _ = self.gru(self.embedding(history))
        last = (history > 0).sum(1).clamp(min=1) - 1
        return self.output(states[torch.arange(len(history)), last])


def stored(windows: WindowSet) -> TensorDataset:
    """Return windows as a user stores them: one padded matrix."""
    history, target = (torch.from_numpy(each).long() for each in padded(windows))
    return TensorDataset(history, target - 1)


def train(model: PlainGRU, loader: DataLoader[tuple[Tensor, ...]]) -> float:
    """Make an epoch, with the hit ratio of each batch; return windows a second."""
    adam = torch.optim.Adam(model.parameters(), lr=LR)
    started, hits, seen = time.perf_counter(), 0, 0
    for history, target in loader:
        logits = model(history)
        loss = cross_entropy(logits, target)
        adam.zero_grad()
        loss.backward()
        adam.step()
        hits += int((logits.topk(10).indices == target[:, None]).sum())
        seen += len(target)
    return seen / (time.perf_counter() - started)


@torch.no_grad()
def evaluate(model: PlainGRU, loader: DataLoader[tuple[Tensor, ...]]) -> tuple[float, float]:
    """Return the mean loss and the hit ratio."""
    loss, hits, seen = 0.0, 0, 0
    for history, target in loader:
        logits = model(history)
        loss += float(cross_entropy(logits, target, reduction="sum"))
        hits += int((logits.topk(10).indices == target[:, None]).sum())
        seen += len(target)
    return loss / seen, hits / seen


data, config = read(Path(sys.argv[1])), Training()
model = PlainGRU(data.n_items)
initial = build_model(config.model, data.n_items, config.seed).state_dict()
model.load_state_dict({name.replace("output.linear", "output"): weight for name, weight in initial.items()})
order = order_of(config)(len(data.train), config.seed, 0).tolist()
loader = DataLoader(stored(data.train), BATCH, sampler=order)  # costs what shuffle=True does
for history, target in islice(loader, WARM_STEPS):
    cross_entropy(model(history), target).backward()
speed = train(model, loader)
model.eval()
validation = DataLoader(stored(data.validation), BATCH)
loss, hr = evaluate(model, validation)
tell(speed, rate(len(data.validation), lambda: evaluate(model, validation)), loss, hr)
