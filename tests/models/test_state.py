"""One step against plain Adam, and the steps that are refused."""

import math

import pytest
import torch
from torch.nn import functional
from torch.nn.utils import get_total_norm

from models.batches import Batch, on_device
from models.config import Clip, Model, Optimizer, Schedule, Training
from models.evaluation import Scoring
from models.gru import NextItemGRU, build_model
from models.schedules import rates
from models.state import begin, take_step
from models.windows import TrainingData

SCORING = Scoring((5,), "expected")
CONFIG = Training(optimizer=Optimizer(lr=0.01, beta1=0.8, beta2=0.9, eps=1e-6))


@pytest.fixture
def model(data: TrainingData) -> NextItemGRU:
    return build_model(Model(embedding_dim=8, hidden_dim=12), data.n_items, seed=2)


@pytest.fixture
def batch(data: TrainingData) -> Batch:
    return on_device(data.train, torch.device("cpu")).cut(slice(20, 31))


def test_steps_equal_plain_adam(model: NextItemGRU, batch: Batch, data: TrainingData) -> None:
    reference = build_model(model.config, data.n_items, seed=2)
    optimizer = torch.optim.Adam(reference.parameters(), lr=0.01, betas=(0.8, 0.9), eps=1e-6, foreach=False)
    state = begin(model, CONFIG, SCORING)
    losses, norms = [], []
    for step in range(1, 4):
        outcome = take_step(state, batch, SCORING)
        optimizer.zero_grad()
        loss = functional.cross_entropy(reference(batch.history_BL, batch.length_B), batch.target_B - 1)
        loss.backward()
        losses.append(loss.item())
        norms.append(get_total_norm([p.grad for p in reference.parameters() if p.grad is not None]).item())
        optimizer.step()
        assert outcome.loss_nats == pytest.approx(losses[-1], rel=1e-5)
        assert outcome.grad_norm == pytest.approx(norms[-1], rel=1e-5)
        assert (outcome.count, state.step, state.n_summed) == (11, step, step)
    for own, other in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(own, other)
    total, _, count = state.running.rows()["loss"]
    assert total / count == pytest.approx(sum(losses) / 3, rel=1e-5)
    assert count == 33


def test_the_loss_is_a_mean_over_known_targets(model: NextItemGRU, batch: Batch) -> None:
    batch.target_B[:4] = 0
    logits_BV = model(batch.history_BL, batch.length_B)
    expected = functional.cross_entropy(logits_BV[4:], batch.target_B[4:] - 1).item()
    state = begin(model, CONFIG, SCORING)
    outcome = take_step(state, batch, SCORING)
    assert outcome.loss_nats == pytest.approx(expected, rel=1e-5)
    assert outcome.count == state.running.rows()["loss"][2] == 7
    assert state.running.rows()["hr@5"][2] == 11


@pytest.mark.parametrize(("scale", "loss_is_finite"), [(math.nan, False), (math.inf, False), (1e30, True)])
def test_a_loss_or_gradient_that_is_not_finite_changes_nothing(
    model: NextItemGRU, batch: Batch, scale: float, loss_is_finite: bool
) -> None:
    state = begin(model, CONFIG, SCORING)
    take_step(state, batch, SCORING)
    with torch.no_grad():
        model.output.linear.weight.mul_(scale)  # at 1e30 the loss is huge but finite, the norm overflows
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    summed = state.running.rows()
    outcome = take_step(state, batch, SCORING)
    assert not outcome.is_finite
    assert math.isfinite(outcome.loss_nats) is loss_is_finite
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0, equal_nan=True)
    assert (state.step, state.n_summed, state.running.rows()) == (1, 1, summed)
    assert all(int(moments["step"]) == 1 for moments in state.optimizer.state.values())


def test_forgetting_begins_sums_anew_and_leaves_the_optimizer(model: NextItemGRU, batch: Batch) -> None:
    state = begin(model, CONFIG, SCORING)
    take_step(state, batch, SCORING)
    assert state.gradient_sum_G.gt(0).all()
    state.forget_running()
    assert (state.running.rows()["hr@5"][2], state.n_summed, state.step) == (0, 0, 1)
    assert state.gradient_sum_G.eq(0).all()
    assert state.clipped_sum_G.eq(0).all()
    assert state.lr == 0.01


def test_a_step_tells_what_it_found_of_each_window_and_group(model: NextItemGRU, batch: Batch) -> None:
    batch.target_B[:2] = 0
    state = begin(model, CONFIG, SCORING)
    logits_BV = model(batch.history_BL, batch.length_B)
    loss_B = functional.cross_entropy(logits_BV, batch.target_B - 1, ignore_index=-1, reduction="none")
    outcome = take_step(state, batch, SCORING)
    assert outcome.visits is not None
    torch.testing.assert_close(outcome.visits.loss_B, loss_B)
    assert outcome.visits.is_known_B.tolist() == [False, False, *[True] * 9]
    assert int(outcome.visits.is_hit_B.sum()) == state.running.rows()["hr@5"][0]
    assert outcome.group_norms == tuple(state.gradient_sum_G.tolist())
    assert math.hypot(*outcome.group_norms) == pytest.approx(outcome.grad_norm)


def test_norms_are_told_before_clipping_and_the_update_is_made_after(model: NextItemGRU, batch: Batch) -> None:
    sgd = Optimizer(name="sgd", lr=1.0)
    config = Training(optimizer=sgd, clip=Clip(name="norm", threshold=0.01))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    state = begin(model, config, SCORING)
    outcome = take_step(state, batch, SCORING)
    moved = math.hypot(*((p - old).norm().item() for p, old in zip(model.parameters(), before, strict=True)))
    assert outcome.grad_norm > 0.1
    assert moved == pytest.approx(0.01, rel=1e-3)
    assert state.clipped_sum_G.tolist() == [1, 1, 1]


def test_the_rate_is_that_of_the_schedule_and_of_the_plateau(model: NextItemGRU) -> None:
    config = Training(optimizer=Optimizer(lr=0.2), schedule=Schedule(name="linear", floor=0.1))
    state = begin(model, config, SCORING)
    state.step, state.plateau.share = 5, 0.25
    state.set_rate(rates(config.schedule, n_steps=10, steps_per_epoch=5, batch_size=2))
    assert state.lr == pytest.approx(0.2 * 0.55 * 0.25)


def test_the_average_is_what_is_evaluated(model: NextItemGRU, batch: Batch) -> None:
    plain, averaged = begin(model, CONFIG, SCORING), begin(model, Training(ema_decay=0.5), SCORING)
    assert plain.evaluated is model
    start = model.output.linear.bias.detach().clone()
    take_step(averaged, batch, SCORING)
    kept = 2 / 11
    expected = kept * start + (1 - kept) * model.output.linear.bias
    torch.testing.assert_close(averaged.evaluated.output.linear.bias, expected)
