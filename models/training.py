"""The training loop: full-catalogue cross-entropy, and evaluations at fixed places in every epoch.

Legend: B batch, N training windows.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.backend import Precision
from models.choice import backend_for
from models.config import Compute, Training
from models.curves import (
    CurvePoint,
    ForgettingRecord,
    Moment,
    NormRecord,
    QuarterRecord,
    StepRecord,
    curve_points,
)
from models.device import pick_device, seeded, threads
from models.errors import NonFiniteScoresError
from models.evaluation import evaluate
from models.gru import NextItemGRU, build_model
from models.instruments import Instruments
from models.journal import Journal, StepBuffer
from models.plan import OnProgress, Phase, Plan, Progress, make_plan
from models.precision import settled_precision
from models.seeds import Stream, torch_seed
from models.state import TrainingState, begin, take_step
from models.watching import Watch, WatchedScores
from models.windows import TrainingData

Status = Literal["finished", "diverged"]

_PROGRESS_STEPS = 50


@dataclass(frozen=True)
class TrainedModel:
    """The result of a training, with every curve."""

    model: NextItemGRU  # the kept weights, on the CPU, in evaluation mode
    points: list[CurvePoint]
    steps: list[StepRecord]
    norms: list[NormRecord]
    forgetting: list[ForgettingRecord]
    quarters: list[QuarterRecord]
    watched: WatchedScores | None  # None where no evaluation was reached
    status: Status
    stopped_at: int | None  # the step that was not finite, where diverged
    kept_step: int  # updates that the kept weights have had
    backend: str  # that computed it
    precision: Precision  # of its steps' products
    wall_s: float  # the whole training, evaluations included
    samples_per_s: float  # training windows a second of stepping, evaluations not included


@dataclass(frozen=True)
class _Course:
    """What the parts of the loop share."""

    plan: Plan
    state: TrainingState
    journal: Journal
    instruments: Instruments


def train(data: TrainingData, config: Training, compute: Compute, on_progress: OnProgress) -> TrainedModel:
    """Train a model from scratch and keep every curve.

    On one CPU with one number of threads, the same arguments give bitwise the same weights and curves.

    Parameters
    ----------
    data
        The windows.
    config
        The question.
    compute
        Where to run.
    on_progress
        Called after every evaluation and about every 50 steps between.

    Returns
    -------
    TrainedModel
        ``diverged`` if a loss, gradient or score was not finite; its curves are complete up to there.

    Raises
    ------
    ModelError
        If the device is absent, a split is empty or holds a code above V.
    """
    device = pick_device(compute)
    started = time.perf_counter()
    dropout = seeded(device, torch_seed(config.seed, Stream.DROPOUT))
    with threads(compute), dropout, ExitStack() as stack:
        plan = make_plan(data, config, device, on_progress)
        precision = settled_precision(plan, data.n_items, compute)
        backend = stack.enter_context(backend_for(config, precision, compute, device))
        model = build_model(config.model, data.n_items, config.seed).to(device)
        state = begin(model, config, plan.scoring, backend)
        journal = Journal(StepBuffer(plan.n_steps), config.keep_weights, Watch(len(plan.validation)))
        course = _Course(plan, state, journal, Instruments(plan, state))
        stopped_at = None
        while stopped_at is None and state.step < plan.n_steps:
            stopped_at = _run_epoch(course)
    return _conclude(course, stopped_at, time.perf_counter() - started)


def _run_epoch(course: _Course) -> int | None:
    """Go on from the state's place to the end of its epoch; return the step that was not finite, if one."""
    plan, state = course.plan, course.state
    epoch, position = divmod(state.step, plan.steps_per_epoch)
    visit_N, rows = plan.visits(epoch), plan.config.batch_size
    device_visit_N = torch.from_numpy(visit_N).to(plan.train.device)
    for phase in plan.phases(epoch):
        for offset in range(max(position, phase.start), phase.end):
            indices_B = device_visit_N[offset * rows : (offset + 1) * rows]
            if not _step(course, indices_B, phase):
                return state.step + 1
        course.instruments.close_phase(epoch, phase, visit_N[phase.start * rows : phase.end * rows])
        if phase.is_evaluated and not _evaluate(course, phase.number):
            return state.step
    return None


def _step(course: _Course, indices_B: Tensor, phase: Phase) -> bool:
    """Make one step and record it; return whether it was finite."""
    plan, state, instruments = course.plan, course.state, course.instruments
    started = time.perf_counter()
    ends_phase = state.step % plan.steps_per_epoch + 1 == phase.end
    state.set_rate(plan.rates)
    instruments.before_step(state.step + 1, ends_phase=ends_phase)
    outcome = take_step(state, plan.train.cut(indices_B), plan.scoring)
    course.journal.steps.append(outcome, state.lr)
    instruments.after_step(state, outcome, indices_B, phase.number)
    course.journal.training_s += time.perf_counter() - started
    if state.step % _PROGRESS_STEPS == 0 and not (ends_phase and phase.is_evaluated):
        _tell(plan, state, ())
    return outcome.is_finite


def _evaluate(course: _Course, phase: int) -> bool:
    """Write all curves at this moment; return whether the scores were finite."""
    plan, state, journal = course.plan, course.state, course.journal
    moment = Moment(state.step, state.step / plan.steps_per_epoch, phase)
    points = curve_points(state.running, moment, "train_running")
    course.instruments.note_evaluation(state, moment)
    state.forget_running()
    try:
        probe = evaluate(state.evaluated, plan.train, plan.scoring, plan.probe_W, backend=state.backend)
        validation = evaluate(
            state.evaluated, plan.validation, plan.scoring, on_batch=journal.watch.note, backend=state.backend
        )
    except NonFiniteScoresError:
        journal.points += points
        journal.watch.forget()
        return False
    journal.watch.close(state.step)
    points += curve_points(probe, moment, "train_probe")
    points += curve_points(validation, moment, "validation")
    journal.points += points
    rows = validation.rows()
    hits, _, count = rows[f"hr@{plan.scoring.cutoffs[0]}"]
    loss_nats, _, n_known = rows["loss"]
    journal.consider(state.evaluated, state.step, hits / count)
    state.plateau.consider(loss_nats / max(1, n_known), plan.config.schedule)
    _tell(plan, state, tuple(points))
    return True


def _tell(plan: Plan, state: TrainingState, points: tuple[CurvePoint, ...]) -> None:
    plan.on_progress(Progress(state.step, plan.n_steps, state.step / plan.steps_per_epoch, points))


def _conclude(course: _Course, stopped_at: int | None, wall_s: float) -> TrainedModel:
    plan, state, journal, instruments = course.plan, course.state, course.journal, course.instruments
    model = state.model.cpu().eval()
    if journal.kept is not None:  # none where the first evaluation was never reached
        model.load_state_dict(journal.kept.weights)
    full_epochs, position = divmod(state.step, plan.steps_per_epoch)
    n_samples = full_epochs * len(plan.train) + position * plan.config.batch_size
    return TrainedModel(
        model=model,
        points=journal.points,
        steps=journal.steps.records(plan.steps_per_epoch),
        norms=instruments.norms(),
        forgetting=instruments.forgetting,
        quarters=instruments.quarters,
        watched=journal.watch.scores(),
        status="finished" if stopped_at is None else "diverged",
        stopped_at=stopped_at,
        kept_step=state.step if journal.kept is None else journal.kept.step,
        backend=state.backend.name,
        precision=state.backend.precision,
        wall_s=wall_s,
        samples_per_s=n_samples / journal.training_s,
    )
