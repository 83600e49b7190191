"""Runs whose cause is known: a window's loss is that of the weights, less what is remembered of its last visit."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.config import Training
from models.curves import CurvePoint, Estimator, ForgettingRecord, NormRecord, QuarterRecord, StepRecord
from models.orders import order_of
from models.quarters import quarter_statistics
from models.run_record import Overlap, RunRecord, Watched
from models.windows import WindowSet

WINDOWS, BATCH, PHASES, VALIDATION = 4_000, 40, 4, 1_500
STEPS = WINDOWS // BATCH


def still(epoch: float) -> float:
    return 0.0


@dataclass
class Simulation:
    """What goes on in a run."""

    config: Training = field(default_factory=lambda: Training(batch_size=BATCH, epochs=6))
    seed: int = 0
    remembered: float = 0.8  # nats, right after a visit
    swing: Callable[[float], float] = still  # of the weights, nats by epochs completed
    dip: float = 0.0  # of the validation hit ratio at the first evaluations of epochs
    level: float = 0.3  # of the validation hit ratio
    order: Callable[[int, int, int], NDArray[np.int64]] | None = None
    lr: Callable[[float], float] = lambda _: 3e-3
    shared: int = 0
    harder: float = 0.0  # nats between the first and the last window of the source

    def run(self) -> RunRecord:
        self.rng = np.random.default_rng(self.seed)
        self.last = np.full(WINDOWS, np.nan)
        self.points: list[CurvePoint] = []
        self.steps: list[StepRecord] = []
        self.norms: list[NormRecord] = []
        self.rows: list[ForgettingRecord] = []
        self.quarters: list[QuarterRecord] = []
        self.watched: list[NDArray[np.float64]] = []  # hits
        self.losses: list[NDArray[np.float64]] = []
        self.taste = self.rng.random(VALIDATION)
        labels = self.rng.integers(1, 51, WINDOWS + 1).astype(np.int32)
        places = np.arange(1, WINDOWS + 1)
        data = WindowSet(labels, places, np.ones(WINDOWS, np.uint8), np.arange(WINDOWS + 1))
        self.statistics = quarter_statistics(data, 50)
        order = self.order or order_of(self.config)
        for epoch in range(self.config.epochs):
            visits = order(WINDOWS, self.config.seed + self.seed, epoch)
            for phase, part in enumerate(np.split(visits, PHASES), start=1):
                self._phase(epoch, phase, part)
        return self._record()

    def weights(self, epoch: float) -> float:
        return 4 + 1.5 * float(np.exp(-epoch / 2)) + self.swing(epoch)

    def _memory(self, now: NDArray[np.float64] | float, windows: NDArray[np.int64]) -> NDArray[np.float64]:
        aged = np.exp(-(now - self.last[windows]) / 0.5)
        return self.remembered * np.where(np.isnan(aged), 0, aged) - self.harder * (windows / WINDOWS - 0.5)

    def _phase(self, epoch: int, phase: int, part: NDArray[np.int64]) -> None:
        losses, ages = [], []
        for batch in np.split(part, len(part) // BATCH):
            now = (len(self.steps)) / STEPS
            ages.append(now - self.last[batch])
            clean = self.weights(now) - self._memory(now, batch)
            losses.append(clean + 0.3 * self.rng.standard_normal(len(batch)))
            self.last[batch] = now
            step = len(self.steps) + 1
            gradient = 1 + 0.05 * self.rng.standard_normal()
            lr = self.lr(now)
            self.steps.append(StepRecord(step, step / STEPS, float(losses[-1].mean()), BATCH, lr, gradient))
        self._forgetting(epoch + 1, phase, np.concatenate(ages), np.concatenate(losses))
        self.quarters.append(self.statistics.record(epoch + 1, phase, part))
        self._evaluate(phase, np.concatenate(losses))

    def _forgetting(self, epoch: int, phase: int, age: NDArray[np.float64], loss: NDArray[np.float64]) -> None:
        bins = np.where(np.isnan(age), -1, np.minimum(np.floor(age * 8 + 1e-9), 32))
        for one in np.unique(bins):
            inside = bins == one
            low = None if one < 0 else one / 8
            high = None if low is None else np.inf if one == 32 else low + 1 / 8
            count = int(inside.sum())
            row = ForgettingRecord(epoch, phase, low, high, float(loss[inside].sum()), 0.0, count, 0, count)
            self.rows.append(row)

    def _evaluate(self, phase: int, losses: NDArray[np.float64]) -> None:
        now = len(self.steps) / STEPS
        probe = self.weights(now) - self._memory(now, np.arange(0, WINDOWS, 2)).mean()
        ratio = self.level + 0.02 * (1 - np.exp(-now)) - self.dip * (phase == 1 and now > 1)
        flipped = self.rng.random(VALIDATION) < 0.02
        hit = np.where(flipped, self.rng.random(VALIDATION) < ratio, self.taste < ratio)
        self.watched.append(hit)
        self._point(phase, "train_running", "loss", float(losses.mean()), len(losses))
        self._point(phase, "train_running", "hr@10", float(0.9 - losses.mean() / 10), len(losses))
        self._point(phase, "train_probe", "loss", probe + 0.003 * self.rng.standard_normal(), WINDOWS // 2)
        self._point(phase, "train_probe", "hr@10", 0.9 - probe / 10 + 3e-4 * self.rng.standard_normal(), WINDOWS // 2)
        validation = self.weights(now) + 0.5 + 2 * self.dip * (phase == 1 and now > 1)
        validation += 0.003 * float(self.rng.standard_normal())
        apart = np.random.default_rng((self.seed, len(self.steps))).random(VALIDATION)
        self.losses.append(validation + apart - apart.mean())
        self._point(phase, "validation", "loss", validation, VALIDATION)
        self._point(phase, "validation", "hr@10", float(hit.mean()), VALIDATION)
        for quantity, value in (("weight", 50 + now), ("update", 0.1), ("effective_step", 0.2)):
            self.norms.append(NormRecord(len(self.steps), now, phase, "gru", quantity, value))  # type: ignore[arg-type]

    def _point(self, phase: int, estimator: Estimator, metric: str, value: float, count: int) -> None:
        step = len(self.steps)
        low, high = value - 0.1, value + 0.1
        total = value * count
        self.points.append(CurvePoint(step, step / STEPS, phase, estimator, metric, value, total, count, low, high))

    def _record(self) -> RunRecord:
        steps = np.arange(1, len(self.watched) + 1) * STEPS // PHASES
        rank = np.where(np.stack(self.watched), 1.0, 100.0).astype(np.float32)
        loss = np.stack(self.losses).astype(np.float32)
        watched = Watched(steps.astype(np.int64), loss, rank, np.arange(VALIDATION) // 3)
        config = self.config.model_copy(update={"seed": self.seed})
        overlap = Overlap(self.shared, VALIDATION)
        name = f"run-{self.seed}"
        parts = (self.points, self.steps, self.norms, self.rows, self.quarters, watched, overlap)
        return RunRecord(name, config, "finished", *parts)


def simulated(**changes: object) -> RunRecord:
    return Simulation(**changes).run()  # type: ignore[arg-type]


def of_order(order: str, **changes: object) -> RunRecord:
    config = Training.model_validate({"batch_size": BATCH, "epochs": 6, "order": order})
    return simulated(config=config, **changes)


def with_running(run: RunRecord, change: Callable[[CurvePoint], CurvePoint]) -> RunRecord:
    """Change the running loss as it is shown, not the steps that it is made of."""
    points = [change(point) if (point.estimator, point.metric) == ("train_running", "loss") else point
              for point in run.points]  # fmt: skip
    return replace(run, points=points)
