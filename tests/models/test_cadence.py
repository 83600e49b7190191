"""Places of evaluation, by hand and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cadence import cadence, evaluation_steps
from models.config import Duration

DURATIONS = st.one_of(
    st.builds(Duration, value=st.floats(1e-6, 5), unit=st.just("epochs")),
    st.builds(Duration, value=st.floats(0.5, 5000), unit=st.sampled_from(["steps", "samples"])),
)


@pytest.mark.parametrize(
    ("value", "unit", "steps", "expected"),
    [
        (0.25, "epochs", 8, (2, 4, 6, 8)),
        (0.25, "epochs", 977, (245, 489, 733, 977)),
        (0.25, "epochs", 5, (2, 3, 4, 5)),
        (0.25, "epochs", 3, (1, 2, 3)),
        (0.25, "epochs", 1, (1,)),
        (0.3, "epochs", 10, (3, 6, 9, 10)),
        (0.1, "epochs", 30, (3, 6, 9, 12, 15, 18, 21, 24, 27, 30)),
        (1, "epochs", 7, (7,)),
        (100, "steps", 977, (*range(100, 1000, 100), 977)),
        (100, "steps", 200, (100, 200)),
        (0.001, "steps", 3, (1, 2, 3)),
        (25_600, "samples", 977, (*range(100, 1000, 100), 977)),
        (1, "samples", 2, (1, 2)),
    ],
)
def test_offsets_by_hand(value: float, unit: str, steps: int, expected: tuple[int, ...]) -> None:
    assert evaluation_steps(Duration(value=value, unit=unit), steps, batch_size=256) == expected


@given(every=DURATIONS, steps=st.integers(1, 3000), batch=st.integers(1, 512))
def test_offsets_increase_and_end_exactly_with_the_epoch(every: Duration, steps: int, batch: int) -> None:
    offsets = evaluation_steps(every, steps, batch)
    assert list(offsets) == sorted(set(offsets))
    assert offsets[0] >= 1
    assert offsets[-1] == steps


@given(k=st.integers(1, 20), steps=st.integers(1, 3000))
def test_a_kth_of_an_epoch_makes_k_evaluations_where_there_are_steps(k: int, steps: int) -> None:
    every = Duration(value=1 / k)
    offsets = evaluation_steps(every, steps, 256)
    assert len(offsets) == min(k, steps)
    assert all(abs(offset - steps * n / len(offsets)) <= 1 for n, offset in enumerate(offsets, start=1))


@pytest.mark.parametrize(
    ("value", "unit", "evaluated"),
    [
        (1, "epochs", [0, 1, 2, 3, 4]),
        (2, "epochs", [1, 3, 4]),
        (3, "epochs", [2, 4]),
        (9, "epochs", [4]),
        (20, "steps", [1, 3, 4]),
        (11, "steps", [0, 1, 2, 3, 4]),
        (1.5, "epochs", [1, 3, 4]),
    ],
)
def test_several_epochs_are_evaluated_at_their_ends_and_the_last_always(
    value: float, unit: str, evaluated: list[int]
) -> None:
    plan = cadence(Duration(value=value, unit=unit), 10, 256)
    marks = {epoch: plan.within(epoch, 10, is_last=epoch == 4) for epoch in range(5)}
    assert [epoch for epoch, offsets in marks.items() if offsets] == evaluated
    assert all(offsets[-1] == 10 for offsets in marks.values() if offsets)


def test_a_stop_inside_an_epoch_is_evaluated_once() -> None:
    plan = cadence(Duration(value=0.25), 8, 256)
    assert plan.within(0, 5, is_last=True) == (2, 4, 5)
    assert plan.within(0, 4, is_last=True) == (2, 4)
    assert plan.within(0, 1, is_last=True) == (1,)


def test_an_epoch_has_as_many_evaluations_whatever_came_before() -> None:
    plan = cadence(Duration(value=3, unit="steps"), 7, 256)
    assert {plan.within(epoch, 7, is_last=False) for epoch in range(4)} == {(3, 6, 7)}
