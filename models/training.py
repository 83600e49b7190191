"""The training loop: full-catalogue cross-entropy, Adam, and evaluations at fixed places in every epoch.

Legend: B batch, N training windows.
"""

import time
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.config import Compute, Training
from models.curves import CurvePoint, Moment, NormRecord, StepRecord, curve_points
from models.device import pick_device, seeded, threads
from models.errors import NonFiniteScoresError
from models.evaluation import evaluate
from models.gru import NextItemGRU, build_model
from models.journal import Journal, StepBuffer
from models.orders import reshuffle
from models.plan import OnProgress, Plan, Progress, make_plan
from models.seeds import Stream, torch_seed
from models.state import TrainingState, begin, take_step
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
    status: Status
    stopped_at: int | None  # the step that was not finite, where diverged
    kept_step: int  # updates that the kept weights have had
    wall_s: float  # the whole training, evaluations included
    samples_per_s: float  # training windows a second of stepping, evaluations not included


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
    with threads(compute), seeded(device, torch_seed(config.seed, Stream.DROPOUT)):
        plan = make_plan(data, config, device, on_progress)
        model = build_model(config.model, data.n_items, config.seed).to(device)
        state = begin(model, config.optimizer, plan.scoring)
        journal = Journal(StepBuffer(plan.n_steps), config.keep_weights)
        stopped_at = None
        while stopped_at is None and state.step < plan.n_steps:
            stopped_at = _run_epoch(plan, state, journal)
    return _conclude(plan, state, journal, stopped_at, time.perf_counter() - started)


def _run_epoch(plan: Plan, state: TrainingState, journal: Journal) -> int | None:
    """Go on from the state's place to the end of its epoch; return the step that was not finite, if one."""
    epoch, position = divmod(state.step, plan.steps_per_epoch)
    order_N = torch.from_numpy(reshuffle(len(plan.train), plan.config.seed, epoch)).to(plan.train.device)
    rows = plan.config.batch_size
    phases = {offset: phase for phase, offset in enumerate(plan.evaluations(epoch), start=1)}
    for offset in range(position + 1, plan.steps_in(epoch) + 1):
        if not _step(plan, state, journal, order_N[(offset - 1) * rows : offset * rows]):
            return state.step + 1
        if offset in phases and not _evaluate(plan, state, journal, phases[offset]):
            return state.step
        if offset not in phases and state.step % _PROGRESS_STEPS == 0:
            _tell(plan, state, ())
    return None


def _step(plan: Plan, state: TrainingState, journal: Journal, indices_B: Tensor) -> bool:
    started = time.perf_counter()
    lr = state.lr
    outcome = take_step(state, plan.train.cut(indices_B), plan.scoring)
    journal.steps.append(outcome, lr)
    journal.training_s += time.perf_counter() - started
    return outcome.is_finite


def _evaluate(plan: Plan, state: TrainingState, journal: Journal, phase: int) -> bool:
    """Write all curves at this moment; return whether the scores were finite."""
    moment = Moment(state.step, state.step / plan.steps_per_epoch, phase)
    points = curve_points(state.running, moment, "train_running")
    journal.note_norms(state, moment)
    state.forget_running()
    try:
        probe = evaluate(state.model, plan.train, plan.scoring, plan.probe_W)
        validation = evaluate(state.model, plan.validation, plan.scoring)
    except NonFiniteScoresError:
        journal.points += points
        return False
    points += curve_points(probe, moment, "train_probe")
    points += curve_points(validation, moment, "validation")
    journal.points += points
    hits, _, count = validation.rows()[f"hr@{plan.scoring.cutoffs[0]}"]
    journal.consider(state.model, state.step, hits / count)
    _tell(plan, state, tuple(points))
    return True


def _tell(plan: Plan, state: TrainingState, points: tuple[CurvePoint, ...]) -> None:
    plan.on_progress(Progress(state.step, plan.n_steps, state.step / plan.steps_per_epoch, points))


def _conclude(
    plan: Plan, state: TrainingState, journal: Journal, stopped_at: int | None, wall_s: float
) -> TrainedModel:
    model = state.model.cpu().eval()
    if journal.kept is not None:  # none where the first evaluation was never reached
        model.load_state_dict(journal.kept.weights)
    full_epochs, position = divmod(state.step, plan.steps_per_epoch)
    n_samples = full_epochs * len(plan.train) + position * plan.config.batch_size
    return TrainedModel(
        model=model,
        points=journal.points,
        steps=journal.steps.records(plan.steps_per_epoch),
        norms=journal.norms,
        status="finished" if stopped_at is None else "diverged",
        stopped_at=stopped_at,
        kept_step=state.step if journal.kept is None else journal.kept.step,
        wall_s=wall_s,
        samples_per_s=n_samples / journal.training_s,
    )
