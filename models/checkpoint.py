"""A training between two steps as plain arrays and records, and back.

Going on from a checkpoint is bitwise the same as never having stopped, on one CPU with one number of threads. What is
a pure function of the question (the plan, the order of an epoch, the probe) is not kept but made anew.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.course import Course
from models.curves import CurvePoint, ForgettingRecord, NormRecord, QuarterRecord
from models.journal import Kept
from models.schedules import Plateau

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """All that a training has changed so far; shares no memory with it."""

    step: int  # updates made
    arrays: Arrays  # by names with slashes
    records: dict[str, Any]  # values that JSON has words for, and infinity


def taken(course: Course) -> Checkpoint:
    """Copy a training that stands between two steps, or before an evaluation has changed anything.

    Parameters
    ----------
    course
        Left as it is.

    Returns
    -------
    Checkpoint
        Its tensors on the CPU.
    """
    tensors = {**dict(_tensors(course)), **_random_states(course)}
    arrays = {name: tensor.detach().to("cpu", copy=True).numpy() for name, tensor in tensors.items()}
    return Checkpoint(course.state.step, arrays | _written(course), _records(course))


def restore(course: Course, checkpoint: Checkpoint) -> None:
    """Put a training where a checkpoint of the same question was taken, the random states included.

    Parameters
    ----------
    course
        Before its first step.
    checkpoint
        Left as it is.
    """
    arrays, records = checkpoint.arrays, checkpoint.records
    _restore_optimizer(course, arrays)
    with torch.no_grad():
        for name, tensor in _tensors(course):
            tensor.copy_(torch.tensor(arrays[name]))
    _restore_written(course, arrays, records)
    _restore_records(course, checkpoint)
    _restore_random_states(course, arrays)
    course.told_step = records["told_step"]
    course.started = time.perf_counter() - records["wall_s"]


def _tensors(course: Course) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that training changes, by name."""
    state, ages = course.state, course.instruments.ages
    models = {"model": state.model} | ({} if state.average is None else {"average": state.average.model})
    for part, model in models.items():
        yield from ((f"{part}/{name}", tensor) for name, tensor in model.state_dict().items())
    for number, moments in state.optimizer.state_dict()["state"].items():
        yield from ((f"optimizer/{number}/{name}", value) for name, value in moments.items() if value is not None)
    yield "running", state.running.sums_3M
    yield "gradient_sum", state.gradient_sum_G
    yield "clipped_sum", state.clipped_sum_G
    yield "ages/last_step", ages.last_step_W
    yield "ages/sums", ages.sums_5A


def _restore_optimizer(course: Course, arrays: Arrays) -> None:
    """Give the optimizer the tensors that it makes at its first step only."""
    optimizer = course.state.optimizer
    moments: dict[int, dict[str, Tensor]] = {}
    for name, array in arrays.items():
        part, _, rest = name.partition("/")
        if part == "optimizer":
            number, _, moment = rest.partition("/")
            moments.setdefault(int(number), {})[moment] = torch.tensor(array)
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})


def _random_states(course: Course) -> dict[str, Tensor]:
    """Return the states of the generators that dropout draws from."""
    device = course.plan.train.device
    states = {"random/cpu": torch.default_generator.get_state()}
    if device.type != "cpu":
        states[f"random/{device.type}"] = torch.get_device_module(device).get_rng_state()
    return states


def _restore_random_states(course: Course, arrays: Arrays) -> None:
    device = course.plan.train.device
    torch.default_generator.set_state(torch.tensor(arrays["random/cpu"]))
    state = arrays.get(f"random/{device.type}")  # none where the training comes from another kind of device
    if device.type != "cpu" and state is not None:
        torch.get_device_module(device).set_rng_state(torch.tensor(state))


def _written(course: Course) -> Arrays:
    """Copy what is written row by row."""
    journal = course.journal
    n_steps = journal.steps.n_written
    rows: dict[str, NDArray[Any]] = {name: column[:n_steps] for name, column in _columns(course).items()}
    if journal.watch.rows:
        rows["watched"] = np.stack(journal.watch.rows)
    if journal.kept is not None:
        rows |= {f"kept/{name}": tensor.numpy() for name, tensor in journal.kept.weights.items()}
    return {name: row.copy() for name, row in rows.items()}


def _columns(course: Course) -> dict[str, NDArray[Any]]:
    """Return the columns that get a row at every step."""
    steps, instruments = course.journal.steps, course.instruments
    return {
        "steps/loss_nats": steps.loss_nats_S,
        "steps/grad_norm": steps.grad_norm_S,
        "steps/lr": steps.lr_S,
        "steps/count": steps.count_S,
        "steps/gradient": instruments.gradient_SG,
        "steps/phase": instruments.phase_S,
    }


def _restore_written(course: Course, arrays: Arrays, records: Mapping[str, Any]) -> None:
    journal, instruments = course.journal, course.instruments
    for name, column in _columns(course).items():
        column[: len(arrays[name])] = arrays[name]
    journal.steps.n_written = instruments.n_steps = len(arrays["steps/loss_nats"])
    journal.watch.steps = list(records["watched_steps"])
    journal.watch.rows = list(arrays["watched"].copy()) if "watched" in arrays else []
    if records["kept"] is not None:
        weights = {name: arrays[f"kept/{name}"] for name in course.state.model.state_dict()}
        journal.kept = Kept(**records["kept"], weights={name: torch.tensor(row) for name, row in weights.items()})


def _records(course: Course) -> dict[str, Any]:
    """Return everything that is no array."""
    state, journal = course.state, course.journal
    return {
        "told_step": course.told_step,
        "precision": state.backend.precision,
        "wall_s": course.wall_s,
        "training_s": journal.training_s,
        "n_summed": state.n_summed,
        "plateau": asdict(state.plateau),
        "kept": None if journal.kept is None else {"step": journal.kept.step, "score": journal.kept.score},
        "watched_steps": list(journal.watch.steps),
        **{name: [list(vars(record).values()) for record in rows] for name, (_, rows) in _lists(course).items()},
    }


def _lists(course: Course) -> dict[str, tuple[Callable[..., Any], list[Any]]]:
    """Return the lists of records, each with what makes one of its fields."""
    journal, instruments = course.journal, course.instruments
    return {
        "points": (CurvePoint, journal.points),
        "norms": (NormRecord, instruments.records),
        "forgetting": (ForgettingRecord, instruments.forgetting),
        "quarters": (QuarterRecord, instruments.quarters),
    }


def _restore_records(course: Course, checkpoint: Checkpoint) -> None:
    state, records = course.state, checkpoint.records
    state.step, state.n_summed = checkpoint.step, records["n_summed"]
    state.plateau = Plateau(**records["plateau"])
    course.journal.training_s = records["training_s"]
    for name, (make, rows) in _lists(course).items():
        rows[:] = [make(*row) for row in records[name]]
