"""When checkpoints are taken, what they may cost, and how a training stops."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from models.checkpoint import Checkpoint
from models.config import Training
from models.course import Course, begin_course
from models.errors import TrainingStoppedError
from models.gru import build_model
from models.keeping import Keeper, Keeping, StopAskedError
from models.plan import make_plan
from models.windows import TrainingData


class Clock:
    """A clock that goes when it is told to."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("models.keeping.time", clock)
    return clock


@pytest.fixture
def course(data: TrainingData, tiny: Callable[..., Training]) -> Course:
    plan = make_plan(data, tiny(), torch.device("cpu"), lambda _: None)
    return begin_course(plan, build_model(tiny().model, data.n_items, 0))


def saves(course: Course, clock: Clock, every_s: float | None, cost_s: float, until_s: int) -> list[float]:
    """Train for so many seconds, a step each; return when each checkpoint was begun."""
    times = []

    def save(_: Checkpoint) -> None:
        times.append(clock.now - 1000)
        clock.now += cost_s

    keeper = Keeper(course, Keeping(save=save), every_s)
    while clock.now < 1000 + until_s:
        keeper.before_step()
        clock.now += 1
    return times


def test_by_default_one_a_minute(course: Course, clock: Clock) -> None:
    assert saves(course, clock, None, 0.0, 200) == [60, 120, 180]


@pytest.mark.parametrize(("every_s", "cost_s", "expected"), [(10, 5.0, [10, 25]), (0, 0.0, list(range(40)))])
def test_as_often_as_is_said(course: Course, clock: Clock, every_s: float, cost_s: float, expected: list[int]) -> None:
    assert saves(course, clock, every_s, cost_s, 40) == expected


@pytest.mark.parametrize("cost_s", [0.5, 3.0, 30.0])
def test_by_default_they_take_under_two_percent_of_the_time_whatever_one_costs(
    course: Course, clock: Clock, cost_s: float
) -> None:
    times = saves(course, clock, None, cost_s, 20_000)
    assert len(times) >= 10
    assert cost_s * (len(times) - 1) <= 0.02 * (times[-1] - times[0])


def test_a_stop_is_noticed_before_a_step_and_takes_a_checkpoint(course: Course) -> None:
    saved: list[Checkpoint] = []
    asked = SimpleNamespace(stop=False)
    keeper = Keeper(course, Keeping(save=saved.append, must_stop=lambda: asked.stop), None)
    keeper.before_step()
    asked.stop = True
    for look in (keeper.before_step, keeper.in_evaluation):
        with pytest.raises(StopAskedError):
            look()
    course.state.step = 4
    with pytest.raises(TrainingStoppedError, match="after step 4") as stopped:
        keeper.stop()
    assert stopped.value.step == 4
    assert [checkpoint.step for checkpoint in saved] == [4]


def test_without_a_place_for_them_none_is_taken(course: Course) -> None:
    keeper = Keeper(course, Keeping(), every_s=0)
    keeper.before_step()
    with pytest.raises(TrainingStoppedError):
        keeper.stop()
