"""What is written down is what was told."""

import pytest
import torch

from models.config import Model
from models.curves import StepRecord
from models.gru import NextItemGRU, build_model
from models.journal import Journal, StepBuffer
from models.state import StepOutcome
from models.watching import Watch


@pytest.fixture
def model() -> NextItemGRU:
    return build_model(Model(embedding_dim=4, hidden_dim=6), 9, seed=0)


def test_steps_are_read_as_they_were_written_and_no_further() -> None:
    buffer = StepBuffer(5)
    buffer.append(StepOutcome(loss_nats=2.5, grad_norm=0.1, count=32, group_norms=(0.1,), visits=None), lr=0.3)
    buffer.append(StepOutcome(loss_nats=2.0, grad_norm=0.2, count=11, group_norms=(0.2,), visits=None), lr=0.2)
    assert buffer.records(steps_per_epoch=2) == [
        StepRecord(step=1, epoch=0.5, loss_nats=2.5, count=32, lr=0.3, grad_norm=0.1),
        StepRecord(step=2, epoch=1.0, loss_nats=2.0, count=11, lr=0.2, grad_norm=0.2),
    ]


def test_best_keeps_the_earliest_of_equals_and_last_the_last(model: NextItemGRU) -> None:
    scores = {3: 0.1, 6: 0.4, 9: 0.4, 12: 0.2}
    best, last = Journal(StepBuffer(1), "best", Watch(1)), Journal(StepBuffer(1), "last", Watch(1))
    for step, score in scores.items():
        best.consider(model, step, score)
        last.consider(model, step, score)
    assert best.kept is not None
    assert best.kept.step == 6
    assert last.kept is not None
    assert last.kept.step == 12


def test_kept_weights_are_a_copy(model: NextItemGRU) -> None:
    journal = Journal(StepBuffer(1), "best", Watch(1))
    journal.consider(model, 1, 0.5)
    expected = model.embedding.weight.detach().clone()
    with torch.no_grad():
        model.embedding.weight.add_(1)
    assert journal.kept is not None
    assert torch.equal(journal.kept.weights["embedding.weight"], expected)
