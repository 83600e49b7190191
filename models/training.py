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
from models.batches import DeviceWindows
from models.choice import backend_for
from models.config import Compute, Training
from models.course import Course, begin_course
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
from models.evaluation import OnBatch, evaluate
from models.gru import NextItemGRU, build_model
from models.keeping import Keeper, Keeping, StopAskedError, dropout_seed
from models.metrics import MetricSums
from models.plan import Phase, Plan, make_plan
from models.precision import settled_precision
from models.progress import OnProgress, Progress
from models.state import TrainingState, take_step
from models.watching import WatchedScores
from models.windows import TrainingData
from models.world import ALONE, World

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


def train(
    data: TrainingData,
    config: Training,
    compute: Compute,
    on_progress: OnProgress,
    keeping: Keeping = Keeping(),
    world: World = ALONE,
) -> TrainedModel:
    """Train a model and keep every curve.

    On one CPU with one number of threads, the same arguments give bitwise the same weights and curves, whether
    the training goes through at once or goes on from checkpoints. Several processes share every batch and every
    evaluation; their curves are those of one but for the order of floating-point sums, and, with dropout, but for
    other draws. The records (of ages too) are whole in the first of them.

    Parameters
    ----------
    data
        The windows.
    config
        The question.
    compute
        Where to run, and how often to take a checkpoint.
    on_progress
        Called after every evaluation and about every 50 steps between.
    keeping
        The checkpoint to go on from, what saves them, what asks to stop; by default none.
    world
        The processes that train together, each called with the same arguments but for what it is told and keeps.

    Returns
    -------
    TrainedModel
        ``diverged`` if a loss, gradient or score was not finite; its curves are complete up to there.

    Raises
    ------
    ModelError
        If the device is absent, a split is empty or holds a code above V.
    TrainingStoppedError
        If it was asked to stop; its checkpoint has been handed over.
    """
    device = pick_device(compute)
    dropout = seeded(device, dropout_seed(config, world, 0))
    with threads(compute), dropout, ExitStack() as stack:
        plan = make_plan(data, config, device, on_progress)
        precision = keeping.precision or settled_precision(plan, data.n_items, compute, world)
        backend = stack.enter_context(backend_for(config, precision, compute, device))
        course = begin_course(plan, build_model(config.model, data.n_items, config.seed).to(device), backend, world)
        keeper = Keeper(course, keeping, compute.checkpoint_s)
        stopped_at = None
        try:
            while stopped_at is None and course.told_step < plan.n_steps:
                stopped_at = _run_epoch(course, keeper)
        except StopAskedError:
            keeper.stop()
    return _conclude(course, stopped_at)


def _run_epoch(course: Course, keeper: Keeper) -> int | None:
    """Go on from the course's place to the end of its epoch; return the step that was not finite, if one."""
    plan, state = course.plan, course.state
    epoch, told = divmod(course.told_step, plan.steps_per_epoch)
    position = state.step - epoch * plan.steps_per_epoch
    visit_N, rows = plan.visits(epoch), plan.config.batch_size
    device_visit_N = torch.from_numpy(visit_N).to(plan.train.device)
    for phase in plan.phases(epoch):
        if phase.end <= told:
            continue
        for offset in range(max(position, phase.start), phase.end):
            keeper.before_step()
            indices_B = device_visit_N[offset * rows : (offset + 1) * rows]
            if not _step(course, indices_B, phase):
                return state.step + 1
        is_finite = not phase.is_evaluated or _evaluate(course, phase.number, keeper)
        course.instruments.close_phase(epoch, phase, visit_N[phase.start * rows : phase.end * rows])
        course.told_step = state.step
        if not is_finite:
            return state.step
    return None


def _step(course: Course, indices_B: Tensor, phase: Phase) -> bool:
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


def _evaluate(course: Course, phase: int, keeper: Keeper) -> bool:
    """Write all curves at this moment; return whether the scores were finite."""
    plan, state, journal = course.plan, course.state, course.journal
    state.optimizer.zero_grad()  # lets go of their memory
    moment = Moment(state.step, state.step / plan.steps_per_epoch, phase)
    scores = _frozen_scores(course, keeper)  # may end by a stop: nothing has changed until it is here
    state.world.sum_(state.running.sums_3M)
    points = curve_points(state.running, moment, "train_running")
    journal.points += points
    course.instruments.note_evaluation(state, moment)
    state.forget_running()
    if scores is None:
        return False
    probe, validation = scores
    journal.watch.close(state.step)
    frozen = curve_points(probe, moment, "train_probe") + curve_points(validation, moment, "validation")
    journal.points += frozen
    rows = validation.rows()
    hits, _, count = rows[f"hr@{plan.scoring.cutoffs[0]}"]
    loss_nats, _, n_known = rows["loss"]
    journal.consider(state.evaluated, state.step, hits / count)
    state.plateau.consider(loss_nats / max(1, n_known), plan.config.schedule)
    _tell(plan, state, (*points, *frozen))
    return True


def _frozen_scores(course: Course, keeper: Keeper) -> tuple[MetricSums, MetricSums] | None:
    """Score the probe and the validation windows; None where a score is not finite."""
    plan, state, watch = course.plan, course.state, course.journal.watch

    def note(loss_B: Tensor, rank_B: Tensor) -> None:
        keeper.in_evaluation()
        watch.note(loss_B, rank_B)

    def scored(windows: DeviceWindows, indices_W: Tensor | None, on_batch: OnBatch | None) -> MetricSums:
        return evaluate(state.evaluated, windows, plan.scoring, indices_W, on_batch, state.backend, state.world)

    try:
        return scored(plan.train, plan.probe_W, None), scored(plan.validation, None, note)
    except NonFiniteScoresError:
        watch.forget()
        return None


def _tell(plan: Plan, state: TrainingState, points: tuple[CurvePoint, ...]) -> None:
    plan.on_progress(Progress(state.step, plan.n_steps, state.step / plan.steps_per_epoch, points))


def _conclude(course: Course, stopped_at: int | None) -> TrainedModel:
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
        wall_s=course.wall_s,
        samples_per_s=n_samples / journal.training_s,
    )
