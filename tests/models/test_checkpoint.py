"""Going on from a checkpoint is never having stopped, wherever the stop was and whatever the training."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from models import training
from models.checkpoint import Checkpoint, restore, taken
from models.config import Clip, Compute, Duration, Model, Optimizer, Schedule, Training
from models.course import Course, begin_course
from models.errors import TrainingStoppedError
from models.gru import build_model
from models.keeping import Keeper, Keeping, StopAskedError
from models.plan import make_plan
from models.training import TrainedModel, train
from models.windows import TrainingData

CURVES = ("points", "steps", "norms", "forgetting", "quarters", "status", "stopped_at", "kept_step")


def through_disk(checkpoint: Checkpoint) -> Checkpoint:
    """Write a checkpoint in the forms of the disk and read it."""
    arrays = load(save(checkpoint.arrays))
    return Checkpoint(checkpoint.step, arrays, json.loads(json.dumps(checkpoint.records)))


def stopped_at_call(number: int) -> Callable[[], bool]:
    """Ask to stop when looked at for the n-th time: before a step, or before a batch of an evaluation."""
    calls = iter(range(1, number))
    return lambda: next(calls, None) is None


def in_pieces(data: TrainingData, config: Training, compute: Compute, stops: list[int]) -> tuple[TrainedModel, int]:
    """Train with a stop at each of these looks; return the result and how many stops there were."""
    resume, saved = None, []
    for number in [*stops, 10**9]:
        keeping = Keeping(resume, saved.append, stopped_at_call(number))
        try:
            return train(data, config, compute, lambda _: None, keeping), len(saved)
        except TrainingStoppedError:
            resume = through_disk(saved[-1])
    raise AssertionError


def assert_same(one: TrainedModel, other: TrainedModel) -> None:
    for name in CURVES:
        assert repr(getattr(one, name)) == repr(getattr(other, name)), name  # repr: a NaN is a NaN
    weights, others = one.model.state_dict(), other.model.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    if one.watched is not None and other.watched is not None:
        assert np.array_equal(one.watched.step_K, other.watched.step_K)
        assert np.array_equal(one.watched.loss_KW, other.watched.loss_KW)
        assert np.array_equal(one.watched.rank_KW, other.watched.rank_KW)
    assert (one.watched is None) == (other.watched is None)


def trainings() -> st.SearchStrategy[dict[str, Any]]:
    optimizers = st.one_of(
        st.sampled_from(["adam", "adamw", "amsgrad", "adagrad"]).map(lambda name: Optimizer(name=name, lr=0.02)),
        st.builds(
            lambda name, momentum: Optimizer(name=name, lr=0.05, momentum=momentum),
            st.sampled_from(["sgd", "rmsprop"]),
            st.sampled_from([0.0, 0.9]),
        ),
    )
    return st.fixed_dictionaries(
        {
            "optimizer": optimizers,
            "model": st.builds(
                Model,
                embedding_dim=st.just(8),
                hidden_dim=st.just(8),
                dropout=st.sampled_from([0.0, 0.4]),
                output=st.sampled_from(["separate", "tied"]),
                layer_norm=st.booleans(),
            ),
            "schedule": st.sampled_from(
                [Schedule(), Schedule(name="plateau", patience=0), Schedule(name="cosine", warmup=Duration(value=1))]
            ),
            "clip": st.sampled_from([Clip(), Clip(name="group_norm", threshold=0.1)]),
            "order": st.sampled_from(["reshuffle", "fixed", "reversed", "replacement", "continuous", "buffer"]),
            "buffer_windows": st.just(20),
            "ema_decay": st.sampled_from([None, 0.9]),
            "keep_weights": st.sampled_from(["best", "last"]),
            "evaluate_every": st.sampled_from([Duration(value=0.25), Duration(value=2), Duration(value=1.5)]),
            "epochs": st.integers(1, 3),
            "max_steps": st.sampled_from([None, 10]),
        }
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=trainings(),
    stops=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    backend=st.sampled_from(["reference", "fused"]),
)
def test_a_training_in_pieces_is_bitwise_the_whole_one(
    data: TrainingData, tiny: Callable[..., Training], changes: dict[str, Any], stops: list[int], backend: str
) -> None:
    config, compute = tiny(**changes), Compute(device="cpu", threads=1, backend=backend)
    pieces, _ = in_pieces(data, config, compute, stops)
    assert_same(pieces, train(data, config, compute, lambda _: None))


def test_wherever_the_stop_is_nothing_is_lost_or_done_twice(
    data: TrainingData, tiny: Callable[..., Training], compute: Compute
) -> None:
    """Looks: before each of 14 steps, and in each of 8 evaluations; the last comes too late to stop."""
    config = tiny(model=Model(embedding_dim=8, hidden_dim=12, dropout=0.3))
    whole = train(data, config, compute, lambda _: None)
    for look in range(1, 24):
        pieces, n_stops = in_pieces(data, config, compute, [look])
        assert n_stops == (look <= 22)
        assert_same(pieces, whole)


def test_a_checkpoint_taken_on_the_way_changes_nothing_and_is_as_good(
    data: TrainingData, tiny: Callable[..., Training]
) -> None:
    every_step = Compute(device="cpu", threads=1, checkpoint_s=0)
    config, saved = tiny(ema_decay=0.9, model=Model(embedding_dim=8, hidden_dim=12, dropout=0.3)), []
    whole = train(data, config, every_step, lambda _: None, Keeping(save=saved.append))
    assert [checkpoint.step for checkpoint in saved] == list(range(14))
    assert_same(whole, train(data, config, every_step, lambda _: None))
    for checkpoint in saved:
        assert_same(whole, train(data, config, every_step, lambda _: None, Keeping(through_disk(checkpoint))))


def test_a_diverged_training_in_pieces_is_the_whole_one(
    data: TrainingData, tiny: Callable[..., Training], compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_step = training.take_step

    def break_before_nine(state: Any, *arguments: Any) -> Any:
        if state.step == 8:
            state.model.gru.weight_hh_l0.data[0, 0] = torch.nan
        return take_step(state, *arguments)

    monkeypatch.setattr(training, "take_step", break_before_nine)
    pieces, _ = in_pieces(data, tiny(), compute, [5, 6])
    assert (pieces.status, pieces.stopped_at) == ("diverged", 9)
    assert_same(pieces, train(data, tiny(), compute, lambda _: None))


def parts_of(value: Any) -> dict[Any, Any] | None:
    """Return what an object is made of, None for what has no parts."""
    if hasattr(value, "state_dict"):
        return value.state_dict()
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    return vars(value) if type(value).__module__.startswith("models.") else None


def walked(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every number, array and tensor that an object holds, with its place in it."""
    parts = parts_of(value)
    if parts is None:
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        yield path, value.tobytes() if isinstance(value, np.ndarray) else repr(value)
    for name, part in (parts or {}).items():
        yield from walked(part, f"{path}.{name}")


# What differs by nature: clocks; rows not written yet; what is set before each step; the plan, which is made anew.
NOT_KEPT = ("started", "plan", "_before_P", "param_groups", "_S", "_SG")


def states(course: Course) -> dict[str, Any]:
    return {path: value for path, value in walked(course) if not any(part in path for part in NOT_KEPT)}


@pytest.mark.parametrize("look", [5, 8])
def test_every_part_of_a_course_is_kept(
    data: TrainingData, tiny: Callable[..., Training], compute: Compute, look: int
) -> None:
    """A part added to the course one day and forgotten in the checkpoint differs here."""
    config = tiny(
        ema_decay=0.9,
        optimizer=Optimizer(name="rmsprop", momentum=0.5),
        schedule=Schedule(name="plateau"),
        clip=Clip(name="norm", threshold=0.1),
    )

    def fresh_course() -> Course:
        plan = make_plan(data, config, torch.device("cpu"), lambda _: None)
        return begin_course(plan, build_model(config.model, data.n_items, config.seed))

    course, other = fresh_course(), fresh_course()
    with pytest.raises(StopAskedError):
        training._run_epoch(course, Keeper(course, Keeping(must_stop=stopped_at_call(look)), None))
    course.journal.watch.forget()
    restore(other, through_disk(taken(course)))
    expected, found = states(course), states(other)
    assert len(expected) > 50
    assert found == expected


def test_a_checkpoint_shares_no_memory_with_the_training(data: TrainingData, tiny: Callable[..., Training]) -> None:
    saved: list[Checkpoint] = []
    copies: list[dict[str, bytes]] = []

    def save(checkpoint: Checkpoint) -> None:
        saved.append(checkpoint)
        copies.append({name: array.tobytes() for name, array in checkpoint.arrays.items()})

    train(
        data, tiny(ema_decay=0.5), Compute(device="cpu", threads=1, checkpoint_s=0), lambda _: None, Keeping(save=save)
    )
    for checkpoint, copy in zip(saved, copies, strict=True):
        assert {name: array.tobytes() for name, array in checkpoint.arrays.items()} == copy
