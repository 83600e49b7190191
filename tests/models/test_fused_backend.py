"""The fused backend against the reference: whole trainings with each option, and evaluations."""

import pytest
import torch

from models.backend import REFERENCE, Backend
from models.batches import on_device
from models.config import Clip, Compute, Model, Optimizer, Training
from models.crew import crew_of
from models.errors import NonFiniteScoresError
from models.evaluation import Scoring, evaluate
from models.fused_backend import FusedBackend
from models.gru import NextItemGRU, build_model
from models.training import TrainedModel, train
from models.windows import TrainingData

SMALL = Model(embedding_dim=8, hidden_dim=12)
OPTIONS = {
    "plain": Training(),
    "layer_norm": Training(model=SMALL.model_copy(update={"layer_norm": True})),
    "dropout": Training(model=SMALL.model_copy(update={"dropout": 0.3})),
    "tied": Training(model=SMALL.model_copy(update={"output": "tied"})),
    "tied, no projection": Training(model=SMALL.model_copy(update={"output": "tied", "embedding_dim": 12})),
    "no bias": Training(model=SMALL.model_copy(update={"output_bias": False})),
    "clip": Training(clip=Clip(name="group_norm", threshold=0.05)),
    "averaged": Training(ema_decay=0.9),
    "sgd": Training(optimizer=Optimizer(name="sgd", lr=0.1, momentum=0.9)),
    "replacement": Training(order="replacement"),
}


def trained(data: TrainingData, config: Training, backend: str, threads: int = 1) -> TrainedModel:
    compute = Compute(device="cpu", threads=threads, backend=backend)
    return train(data, config, compute, lambda _: None)


def asked(option: str) -> Training:
    config = OPTIONS[option]
    model = config.model if config.model != Model() else SMALL
    return config.model_copy(update={"model": model, "batch_size": 11, "epochs": 2, "cutoffs": (1, 5)})


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("option", OPTIONS)
def test_trainings_are_those_of_the_reference(data: TrainingData, option: str, threads: int) -> None:
    fused, plain = (trained(data, asked(option), backend, threads) for backend in ("fused", "reference"))
    assert (fused.backend, plain.backend) == ("fused", "reference")
    assert len(fused.steps) == len(plain.steps) > 10
    for own, other in zip(fused.steps, plain.steps, strict=True):
        assert own.loss_nats == pytest.approx(other.loss_nats, rel=1e-5)
        assert own.grad_norm == pytest.approx(other.grad_norm, rel=1e-3)
        assert own.count == other.count
    for own, other in zip(fused.points, plain.points, strict=True):
        assert (own.estimator, own.metric, own.count) == (other.estimator, other.metric, other.count)
        assert own.value == pytest.approx(other.value, rel=1e-4)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_training_gives_the_same_bits(data: TrainingData, threads: int) -> None:
    first, second = (trained(data, asked("dropout"), "fused", threads) for _ in range(2))
    assert first.points == second.points
    assert first.steps == second.steps
    weights = zip(first.model.parameters(), second.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)


@pytest.fixture
def model(data: TrainingData) -> NextItemGRU:
    return build_model(SMALL, data.n_items, seed=4)


def sums_of(model: NextItemGRU, data: TrainingData, backend: Backend, indices: torch.Tensor | None) -> torch.Tensor:
    windows = on_device(data.train, torch.device("cpu"))
    return evaluate(model, windows, Scoring((1, 5), "expected"), indices, backend=backend).sums_3M


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("n_chosen", [None, 1, 2, 17])
def test_evaluations_are_those_of_the_reference(
    data: TrainingData, model: NextItemGRU, size: int, n_chosen: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.fused_backend._ROWS", 7)  # many batches
    monkeypatch.setattr("models.fused_backend._BATCHES_AT_ONCE", 2)
    indices = None if n_chosen is None else torch.arange(n_chosen) * 2
    with crew_of(size) as crew:
        found = sums_of(model, data, FusedBackend(crew), indices)
    torch.testing.assert_close(found, sums_of(model, data, REFERENCE, indices), rtol=1e-6, atol=1e-6)


def test_windows_keep_their_order(data: TrainingData, model: NextItemGRU) -> None:
    windows, told = on_device(data.train, torch.device("cpu")), {}
    with crew_of(2) as crew:
        for name, backend in (("fused", FusedBackend(crew)), ("reference", REFERENCE)):
            ranks: list[torch.Tensor] = []
            evaluate(
                model, windows, Scoring((5,), "expected"), None, lambda _, rank_B, to=ranks: to.append(rank_B), backend
            )
            told[name] = torch.cat(ranks)
    assert torch.equal(told["fused"], told["reference"])


def test_scores_that_are_not_finite_are_refused(data: TrainingData, model: NextItemGRU) -> None:
    with torch.no_grad():
        model.output.linear.weight[3, 0] = torch.nan
    with crew_of(2) as crew, pytest.raises(NonFiniteScoresError, match="lower learning rate"):
        sums_of(model, data, FusedBackend(crew), None)


def test_bf16_is_near_and_not_the_same(data: TrainingData) -> None:
    exact = trained(data, asked("plain"), "fused")
    rounded = trained(data, asked("plain").model_copy(update={"precision": "bf16"}), "fused")
    losses = [[step.loss_nats for step in each.steps] for each in (exact, rounded)]
    assert rounded.precision == "bf16"
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


@pytest.mark.parametrize("k", [0, 1, 5, 200])
def test_the_best_columns_are_those_of_the_reference(
    data: TrainingData, model: NextItemGRU, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.fused_backend._ROWS", 7)
    k = min(k, data.n_items)
    windows = on_device(data.train, torch.device("cpu"))
    with crew_of(2) as crew, torch.inference_mode():
        found = [part[3] for part in FusedBackend(crew).evaluate(model.eval(), windows, None, "expected", k)]
        plain = [part[3] for part in REFERENCE.evaluate(model.eval(), windows, None, "expected", k)]
    assert torch.equal(torch.cat(found), torch.cat(plain))
