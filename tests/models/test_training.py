"""The loop: its bookkeeping, its determinism, its stops."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch.nn import functional

from models import state as state_module
from models import training
from models.batches import on_device
from models.config import Clip, Compute, Duration, Model, Optimizer, Schedule, Training
from models.curves import CurvePoint
from models.evaluation import Scoring, evaluate
from models.gru import build_model
from models.instruments import Instruments
from models.orders import reshuffle
from models.progress import Progress
from models.schedules import Plateau, rates
from models.state import begin, take_step
from models.training import TrainedModel, train
from models.windows import TrainingData

Run = Callable[..., TrainedModel]


@pytest.fixture
def run(data: TrainingData, tiny: Callable[..., Training], compute: Compute) -> Run:
    def start(on_progress: Callable[[Progress], None] = lambda _: None, **changes: object) -> TrainedModel:
        return train(data, tiny(**changes), compute, on_progress)

    return start


def pick(points: Sequence[CurvePoint], estimator: str, metric: str) -> list[CurvePoint]:
    return [point for point in points if (point.estimator, point.metric) == (estimator, metric)]


def test_evaluations_fall_at_the_same_phases_of_every_epoch(run: Run) -> None:
    result = run()
    assert result.status == "finished"
    assert result.stopped_at is None
    for estimator in ("train_running", "train_probe", "validation"):
        points = pick(result.points, estimator, "loss")
        assert [point.step for point in points] == [2, 4, 6, 7, 9, 11, 13, 14]
        assert [point.phase for point in points] == [1, 2, 3, 4] * 2
        assert [point.epoch for point in points] == [step / 7 for step in (2, 4, 6, 7, 9, 11, 13, 14)]
        assert points[-1].epoch == 2.0
    assert {point.count for point in pick(result.points, "validation", "hr@5")} == {50}
    assert {point.count for point in pick(result.points, "train_probe", "loss")} == {20}


def test_running_sums_hold_each_window_once_between_evaluations(run: Run) -> None:
    result = run()
    running = pick(result.points, "train_running", "loss")
    assert [point.count for point in running] == [64, 64, 64, 11] * 2  # the last batch is partial and counted
    ends = [0, *(point.step for point in running)]
    for point, first, last in zip(running, ends, ends[1:], strict=False):
        steps = result.steps[first:last]
        assert point.sum == pytest.approx(sum(step.loss_nats * step.count for step in steps), rel=1e-5)
        assert point.value == pytest.approx(point.sum / point.count)
    assert [step.count for step in result.steps] == ([32] * 6 + [11]) * 2


def test_the_loop_equals_one_written_out(data: TrainingData, tiny: Callable[..., Training], run: Run) -> None:
    config = tiny(epochs=1, evaluate_every=Duration(value=1))
    model = build_model(config.model, data.n_items, config.seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.optimizer.lr)
    losses = []
    for indices in torch.from_numpy(reshuffle(203, config.seed, 0)).split(32):
        batch = on_device(data.train, torch.device("cpu")).cut(indices)
        loss_B = functional.cross_entropy(model(batch.history_BL, batch.length_B), batch.target_B - 1, reduction="none")
        losses += loss_B.tolist()
        optimizer.zero_grad()
        loss_B.mean().backward()
        optimizer.step()
    result = run(epochs=1, evaluate_every=Duration(value=1), keep_weights="last")
    assert pick(result.points, "train_running", "loss")[0].value == pytest.approx(np.mean(losses), rel=1e-5)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(result.model.state_dict()[name], tensor, rtol=1e-4, atol=1e-5)


def test_evaluating_more_often_does_not_change_what_is_learned(run: Run) -> None:
    often, seldom = (
        run(evaluate_every=Duration(value=value), keep_weights="last", model=Model(dropout=0.3)) for value in (0.1, 2)
    )
    assert [step.loss_nats for step in often.steps] == [step.loss_nats for step in seldom.steps]
    assert [point.step for point in pick(seldom.points, "validation", "loss")] == [14]


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_a_seed_gives_bitwise_the_same_and_another_does_not(run: Run, dropout: float) -> None:
    model = Model(embedding_dim=8, hidden_dim=12, dropout=dropout)
    first, again, other = (run(seed=seed, model=model) for seed in (1, 1, 2))
    assert (first.points, first.steps, first.norms) == (again.points, again.steps, again.norms)
    assert (first.forgetting, first.quarters) == (again.forgetting, again.quarters)
    weights = [result.model.state_dict() for result in (first, again, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[0]["embedding.weight"], weights[2]["embedding.weight"])


def test_random_state_and_threads_are_given_back(data: TrainingData, tiny: Callable[..., Training]) -> None:
    before = torch.get_rng_state()
    train(data, tiny(model=Model(dropout=0.5)), Compute(device="cpu", threads=2), lambda _: None)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 1


def test_best_weights_are_those_of_the_best_validation_hr_at_the_first_cutoff(data: TrainingData, run: Run) -> None:
    result = run(epochs=4, optimizer=Optimizer(lr=0.2))
    points = pick(result.points, "validation", "hr@5")
    best = max(points, key=lambda point: (point.value or 0.0, -point.step))
    assert best.step < points[-1].step
    assert result.kept_step == best.step
    validation = on_device(data.validation, torch.device("cpu"))
    again = evaluate(result.model, validation, Scoring((5, 1), "expected")).rows()
    assert again["hr@5"][0] == best.sum
    assert not result.model.training
    assert run(keep_weights="last").kept_step == 14


def test_max_steps_stops_inside_an_epoch_with_one_evaluation_there(run: Run) -> None:
    steps = {n: [p.step for p in pick(run(max_steps=n).points, "validation", "loss")] for n in (1, 7, 9, 10)}
    assert steps == {1: [1], 7: [2, 4, 6, 7], 9: [2, 4, 6, 7, 9], 10: [2, 4, 6, 7, 9, 10]}
    assert pick(run(max_steps=10).points, "validation", "loss")[-1].phase == 2


def break_weights_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Put a NaN into the weights before a step, as an overflow would."""

    def take(state: state_module.TrainingState, *arguments: object) -> state_module.StepOutcome:
        if state.step == step - 1:
            with torch.no_grad():
                state.model.gru.weight_hh_l0[0, 0] = math.nan
        return take_step(state, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "take_step", take)


def test_a_step_that_is_not_finite_stops_before_its_update(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run()
    break_weights_at(monkeypatch, 6)
    result = run()
    assert (result.status, result.stopped_at) == ("diverged", 6)
    assert result.steps[:5] == whole.steps[:5]
    assert len(result.steps) == 6
    assert math.isnan(result.steps[5].loss_nats)
    assert result.points == [point for point in whole.points if point.step <= 4]
    assert result.kept_step in (2, 4)
    assert all(tensor.isfinite().all() for tensor in result.model.state_dict().values())


def test_stopping_before_the_first_evaluation_leaves_no_curves(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    break_weights_at(monkeypatch, 1)
    result = run()
    assert (result.status, result.stopped_at, result.kept_step, result.points) == ("diverged", 1, 0, [])


def test_scores_that_are_not_finite_at_an_evaluation_stop_with_the_running_curve(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate_broken(model: torch.nn.Module, *arguments: object, **more: object) -> object:
        if evaluated:
            model.output.linear.bias.data[0] = math.inf  # type: ignore[union-attr, index]
        evaluated.append(1)
        return evaluate(model, *arguments, **more)  # type: ignore[arg-type]

    evaluated: list[int] = []
    monkeypatch.setattr(training, "evaluate", evaluate_broken)
    result = run()
    assert (result.status, result.stopped_at) == ("diverged", 2)
    assert {point.estimator for point in result.points} == {"train_running"}


def test_progress_is_told_at_evaluations_and_every_fifty_steps_between(run: Run) -> None:
    told: list[Progress] = []
    result = run(told.append, batch_size=2, epochs=1, evaluate_every=Duration(value=80, unit="steps"))
    assert [progress.step for progress in told] == [50, 80, 100, 102]
    assert [bool(progress.points) for progress in told] == [False, True, False, True]
    assert {progress.steps for progress in told} == {102}
    assert [point for progress in told for point in progress.points] == result.points


def test_the_model_learns(run: Run) -> None:
    result = run(epochs=12, optimizer=Optimizer(lr=0.02))
    losses = [point.value for point in pick(result.points, "train_probe", "loss")]
    assert losses[-1] < 0.6 * losses[0]  # type: ignore[operator]
    assert result.samples_per_s > 0
    assert result.wall_s > 0


def test_norms_are_told_by_group_at_every_evaluation(run: Run) -> None:
    result = run(model=Model(embedding_dim=8, hidden_dim=12, layer_norm=True))
    at_evaluations = [record for record in result.norms if record.quantity in ("gradient", "weight")]
    keys = [(record.step, record.group, record.quantity) for record in at_evaluations]
    assert len(set(keys)) == len(keys) == 8 * 4 * 2
    first = {record.group: record.value for record in result.norms if (record.step, record.quantity) == (2, "gradient")}
    mean_of_steps = sum(step.grad_norm for step in result.steps[:2]) / 2
    assert math.hypot(*first.values()) == pytest.approx(mean_of_steps, rel=0.05)


def test_instruments_do_not_change_what_is_learned(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(embedding_dim=8, hidden_dim=12, dropout=0.3)
    with_them = run(model=model)
    for name in ("before_step", "after_step", "close_phase", "note_evaluation"):
        monkeypatch.setattr(Instruments, name, lambda *_, **__: None)
    without = run(model=model)
    assert (with_them.points, with_them.steps) == (without.points, without.steps)
    weights = with_them.model.state_dict(), without.model.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert without.norms == without.forgetting == without.quarters == []
    assert with_them.norms != []


@pytest.mark.parametrize("order", ["reshuffle", "fixed", "reversed", "replacement", "continuous", "buffer"])
def test_forgetting_and_quarters_add_up_to_the_running_curve(run: Run, order: str) -> None:
    result = run(order=order, epochs=3, buffer_windows=20)
    losses, hits = (pick(result.points, "train_running", metric) for metric in ("loss", "hr@5"))
    for loss, hit, quarter in zip(losses, hits, result.quarters, strict=True):
        key = (math.ceil(loss.epoch), loss.phase)
        rows = [row for row in result.forgetting if (row.epoch, row.phase) == key]
        assert (quarter.epoch, quarter.phase) == key
        assert quarter.count == sum(row.count for row in rows) == hit.count
        assert sum(row.hits for row in rows) == hit.sum
        assert sum(row.loss_count for row in rows) == loss.count
        assert sum(row.loss_sum for row in rows) == pytest.approx(loss.sum)


def test_a_fixed_order_shows_the_same_quarters_each_epoch_at_the_age_of_one(run: Run) -> None:
    result = run(order="fixed")
    assert [quarter.order_hash for quarter in result.quarters[:4]] == [q.order_hash for q in result.quarters[4:]]
    ages = {(row.epoch, row.age_low_epochs, row.age_high_epochs) for row in result.forgetting}
    assert ages == {(1, None, None), (2, 1.0, 1.125)}


def test_phases_of_epochs_without_evaluation_are_told_whole(run: Run) -> None:
    result = run(epochs=4, evaluate_every=Duration(value=2))
    assert [(quarter.epoch, quarter.phase, quarter.count) for quarter in result.quarters] == [
        (epoch, 1, 203) for epoch in (1, 2, 3, 4)
    ]
    assert [point.step for point in pick(result.points, "train_running", "loss")] == [14, 28]


@pytest.mark.parametrize("name", ["adam", "adamw", "amsgrad", "sgd", "rmsprop", "adagrad"])
def test_every_optimizer_trains_and_is_measured(run: Run, name: str) -> None:
    lr = 1.0 if name == "sgd" else 0.02
    result = run(epochs=4, optimizer=Optimizer(name=name, lr=lr))
    losses = [point.value for point in pick(result.points, "train_probe", "loss")]
    assert losses[-1] < losses[0]  # type: ignore[operator]
    assert {"update", "update_to_weight", "effective_step"} <= {record.quantity for record in result.norms}


def test_the_rate_follows_the_schedule_step_by_step(run: Run) -> None:
    schedule = Schedule(name="cosine", floor=0.1, warmup=Duration(value=3, unit="steps"))
    result = run(schedule=schedule, optimizer=Optimizer(lr=0.01))
    expected = rates(schedule, 14, 7, 32)
    assert [step.lr for step in result.steps] == [0.01 * expected.share(step) for step in range(14)]


def test_a_plateau_of_the_validation_loss_lowers_the_rate(run: Run) -> None:
    schedule = Schedule(name="plateau", patience=0, factor=0.5, floor=0.2)
    result = run(schedule=schedule, epochs=4, optimizer=Optimizer(lr=0.1))
    points = pick(result.points, "validation", "loss")
    plateau, shares = Plateau(), {}
    for point in points:
        plateau.consider(point.value or 0.0, schedule)
        shares[point.step + 1] = plateau.share
    told = {step.step: step.lr for step in result.steps if step.step in shares}
    assert told == {step: 0.1 * shares[step] for step in told}
    assert min(told.values()) == pytest.approx(0.02)


def test_averaged_weights_are_evaluated_and_kept(data: TrainingData, run: Run) -> None:
    plain, averaged = (run(ema_decay=decay, keep_weights="last") for decay in (None, 0.9))
    assert [step.loss_nats for step in plain.steps] == [step.loss_nats for step in averaged.steps]
    assert not torch.equal(plain.model.output.linear.bias, averaged.model.output.linear.bias)  # type: ignore[union-attr, arg-type]
    validation = on_device(data.validation, torch.device("cpu"))
    again = evaluate(averaged.model, validation, Scoring((5, 1), "expected")).rows()
    assert again["loss"][0] == pytest.approx(pick(averaged.points, "validation", "loss")[-1].sum, rel=1e-6)


def test_probabilities_cap_what_is_learned_from_but_not_what_is_evaluated(run: Run) -> None:
    result = run(loss="probabilities", loss_eps=0.2, keep_weights="last")
    assert max(step.loss_nats for step in result.steps) <= -math.log(0.2) + 1e-6
    assert max(point.value or 0.0 for point in pick(result.points, "train_probe", "loss")) > 3


@pytest.mark.parametrize("name", ["norm", "group_norm", "value"])
def test_the_share_of_clipped_steps_is_told_at_evaluations(run: Run, name: str) -> None:
    shares = {
        threshold: [
            r.value for r in run(clip=Clip(name=name, threshold=threshold)).norms if r.quantity == "clipped_share"
        ]
        for threshold in (1e-6, 1e6)
    }
    assert shares == {1e-6: [1.0] * 24, 1e6: [0.0] * 24}


def test_begin_is_a_training_mode(data: TrainingData, tiny: Callable[..., Training]) -> None:
    model = build_model(tiny().model, data.n_items, 0).eval()
    assert begin(model, tiny(), Scoring((5,), "expected")).model.training
