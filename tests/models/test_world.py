"""Two processes that train together against one alone: the same curves, whatever the training."""

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest
import torch

from models.checkpoint import Checkpoint
from models.config import Clip, Compute, Duration, Model, Optimizer, Schedule, Training
from models.errors import TrainingStoppedError
from models.keeping import Keeping
from models.training import TrainedModel, train
from models.windows import TrainingData
from models.world import ALONE, World

COMPUTE = Compute(device="cpu", threads=1)
Job = tuple[TrainingData, Training, Checkpoint | None, int | None]
Result = tuple[TrainedModel | None, list[Checkpoint]]


def result_of(world: World, job: Job) -> Result:
    """Train; where a step is named, ask the last process to stop before it."""
    data, config, resume, stop_before = job
    saved: list[Checkpoint] = []
    looks = iter(range(stop_before or 10**9))
    is_asked = world.rank == world.size - 1
    keeping = Keeping(resume, saved.append if world.rank == 0 else None, lambda: is_asked and next(looks, None) is None)
    try:
        return train(data, config, COMPUTE, lambda _: None, keeping, world), saved
    except TrainingStoppedError:
        return None, saved


def work(rank: int, meeting: str, line: Connection) -> None:
    """Be one of two processes: do jobs until there are no more."""
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    while (job := line.recv()) is not None:
        line.send(result_of(World(rank, 2), job))
    torch.distributed.destroy_process_group()


Pair = Callable[..., list[Result]]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two processes that have met, for all tests here."""
    meeting = (tmp_path_factory.mktemp("pair") / "meeting").as_uri()
    spawn = multiprocessing.get_context("spawn")
    lines, processes = [], []
    for rank in range(2):
        ours, theirs = spawn.Pipe()
        processes.append(spawn.Process(target=work, args=(rank, meeting, theirs), daemon=True))
        processes[-1].start()
        theirs.close()
        lines.append(ours)

    def both(*job: Any) -> list[Result]:
        for line in lines:
            line.send(job)
        return [line.recv() for line in lines]

    yield both
    for line, process in zip(lines, processes, strict=True):
        line.send(None)
        process.join(30)


def assert_close(one: TrainedModel, two: TrainedModel) -> None:
    assert (one.status, one.stopped_at, one.kept_step) == (two.status, two.stopped_at, two.kept_step)
    for name in ("points", "steps", "norms", "forgetting", "quarters"):
        rows, others = ([list(vars(row).values()) for row in getattr(each, name)] for each in (one, two))
        assert len(rows) == len(others), name
        for row, other in zip(rows, others, strict=True):
            numbers, wanted = ([value for value in each if isinstance(value, int | float)] for each in (row, other))
            close = 5e-3 if name == "norms" else 2e-4  # lr / (sqrt(v) + eps) where v is next to nothing
            assert numbers == pytest.approx(wanted, rel=close, abs=1e-5, nan_ok=True), (name, row)
            assert [value for value in row if isinstance(value, str)] == [v for v in other if isinstance(v, str)]
    losses = ([step.loss_nats for step in each.steps] for each in (one, two))
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert one.watched is not None
    assert two.watched is not None
    np.testing.assert_allclose(one.watched.loss_KW, two.watched.loss_KW, rtol=1e-4, atol=1e-5)
    assert np.array_equal(one.watched.rank_KW, two.watched.rank_KW)


CASES: dict[str, dict[str, object]] = {
    "adam": {},
    "every gradient clipped, averaged weights": {"clip": Clip(name="norm", threshold=0.05), "ema_decay": 0.9},
    "sgd, tied, plateau": {
        "optimizer": Optimizer(name="sgd", lr=0.5, momentum=0.5),
        "model": Model(embedding_dim=8, hidden_dim=12, output="tied", layer_norm=True),
        "schedule": Schedule(name="plateau", patience=0),
        "order": "replacement",
    },
    "last batch of one window": {"batch_size": 101, "order": "fixed"},
    "batches of one window": {"batch_size": 1, "max_steps": 30, "evaluate_every": Duration(value=10, unit="steps")},
}


@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_curves_of_one(
    case: str, pair: Pair, data: TrainingData, tiny: Callable[..., Training]
) -> None:
    config = tiny(**CASES[case])
    alone, _ = result_of(ALONE, (data, config, None, None))
    (first, _), (second, _) = pair(data, config, None, None)
    assert alone is not None
    assert first is not None
    assert second is not None
    assert_close(alone, first)
    weights, others = first.model.state_dict(), second.model.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)  # to the bit: nothing drifts apart


def test_unknown_targets_of_one_process_weigh_nothing(
    pair: Pair, data: TrainingData, tiny: Callable[..., Training]
) -> None:
    data.train.events[data.train.ends[:16]] = 0  # the first half of the first batch: all that the first process has
    config = tiny(order="buffer", buffer_windows=1)
    alone, _ = result_of(ALONE, (data, config, None, None))
    (first, _), _ = pair(data, config, None, None)
    assert alone is not None
    assert first is not None
    assert alone.steps[0].count <= 16
    assert_close(alone, first)


def test_a_step_that_is_not_finite_is_refused_by_both(
    pair: Pair, data: TrainingData, tiny: Callable[..., Training]
) -> None:
    results = pair(data, tiny(optimizer=Optimizer(name="sgd", lr=10.0), batch_size=8, epochs=40), None, None)
    ends = [(trained.status, trained.stopped_at) for trained, _ in results if trained is not None]
    assert len(ends) == 2
    assert ends[0] == ends[1]


@pytest.mark.parametrize("stop_before", [4, 9])
def test_a_checkpoint_goes_on_with_another_number_of_processes(
    stop_before: int, pair: Pair, data: TrainingData, tiny: Callable[..., Training]
) -> None:
    config = tiny(ema_decay=0.9)
    whole, _ = result_of(ALONE, (data, config, None, None))
    assert whole is not None
    (_, by_two), (_, by_other) = pair(data, config, None, stop_before)
    assert by_other == []
    assert by_two[-1].step == stop_before
    gone_on, _ = result_of(ALONE, (data, config, by_two[-1], None))
    _, by_one = result_of(ALONE, (data, config, None, stop_before))
    (shared, _), _ = pair(data, config, by_one[-1], None)
    assert gone_on is not None
    assert shared is not None
    assert_close(whole, gone_on)
    assert_close(whole, shared)


def test_dropout_draws_apart(pair: Pair, data: TrainingData, tiny: Callable[..., Training]) -> None:
    config = tiny(model=Model(embedding_dim=8, hidden_dim=12, dropout=0.5))
    alone, _ = result_of(ALONE, (data, config, None, None))
    (first, _), (second, _) = pair(data, config, None, None)
    assert alone is not None
    assert first is not None
    assert second is not None
    assert first.steps[0].loss_nats != alone.steps[0].loss_nats
    assert [step.loss_nats for step in first.steps] == [step.loss_nats for step in second.steps]
