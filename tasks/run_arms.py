"""Run arms: every run of a study that is not in the store yet, a few at a time."""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from models.config import Compute
from tasks.arms_as_tasks import arms_as_tasks
from tasks.arms_deployed import arms_deployed
from tasks.arms_here import arms_here
from tasks.plan import PlannedRun, StudyPlan
from tasks.progress import Move, moving
from tasks.verb import tell, verb
from warehouse.errors import WarehouseError
from warehouse.report import duration
from warehouse.runs import finished
from warehouse.store import Store, store_at


class ArmProcess(Protocol):
    """One run that is under way somewhere."""

    def is_over(self) -> bool:
        """Return whether it ended, well or not."""

    def last_words(self) -> str:
        """Return the last line that it left, and where there is more."""

    def end(self) -> None:
        """End it, if it has not ended."""


POLL_S = 0.5

Start = Callable[[PlannedRun], ArmProcess]


@dataclass
class Tally:
    """What is under way and what became of the rest."""

    store: Store
    waiting: deque[PlannedRun]
    under_way: dict[str, tuple[PlannedRun, ArmProcess, float]] = field(default_factory=dict)  # and since when
    failed: list[str] = field(default_factory=list)
    durations_s: list[float] = field(default_factory=list)
    n_done: int = 0

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left to wait for."""
        return not self.waiting and not self.under_way

    def start(self, start: Start, workers: int) -> None:
        """Start as many as may run at once."""
        while self.waiting and len(self.under_way) < workers:
            run = self.waiting.popleft()
            self.under_way[run.run_id] = (run, start(run), time.monotonic())

    def collect(self) -> list[PlannedRun]:
        """Take out the runs that ended; a run that is in the store counts, diverged or not."""
        over = [(run, process, since) for run, process, since in self.under_way.values() if process.is_over()]
        for run, process, since in over:
            del self.under_way[run.run_id]
            if finished(self.store, run.run_id):
                self.n_done += 1
                self.durations_s.append(time.monotonic() - since)
            else:
                self.failed.append(f"{run}: {process.last_words()}")
                tell(f"arm {self.failed[-1]}")
        return [run for run, _, _ in over]


@verb
def run_arms(plan: StudyPlan) -> None:
    """Run all arms that are planned so far on all their seeds; those that are in the store are not run again."""
    _run(plan, plan.runs(plan.arms))


def _run(plan: StudyPlan, runs: Iterable[PlannedRun]) -> None:
    question = plan.question
    store = store_at(question.store)
    wanted = {run.run_id: run for run in runs}
    missing = [run for run_id, run in wanted.items() if not finished(store, run_id)]
    if not missing:
        tell(f"{len(wanted)} of {plan.n_runs} runs of this study are in the store")
        return
    workers = workers_of(question.study.workers, question.compute)
    tell(f"{len(missing)} of {plan.n_runs} runs to make, {workers} at a time")
    tally = Tally(store, deque(missing), n_done=len(wanted) - len(missing))
    with _arms(plan, workers) as start, moving(f"{question.kind}-{question.size}", question.kind, "runs") as move:
        started = time.monotonic()
        _wait_for_all(tally, start, workers, lambda: _told(tally, plan.n_runs, workers, started, move))
    if tally.failed:
        failed = "; ".join(tally.failed)
        message = f"{len(tally.failed)} of {len(missing)} runs failed, the others are in the store: {failed}"
        raise WarehouseError(message)


def _arms(plan: StudyPlan, workers: int) -> AbstractContextManager[Start]:
    """Choose what starts a run, as the study says."""
    match plan.question.study.arms_run:
        case "here":
            return arms_here(plan)
        case "tasks":
            return arms_as_tasks(plan, workers)
        case "deployments":
            return arms_deployed(plan)


def workers_of(said: int | None, compute: Compute) -> int:
    """Return how many arms run at once: as said, else one a core (with one thread each), on a GPU one."""
    if said:
        return said
    from models.device import pick_device  # torch is imported when it is needed

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) if pick_device(compute).type == "cpu" else 1


def _wait_for_all(tally: Tally, start: Start, workers: int, on_change: Callable[[], None]) -> None:
    """Keep as many under way as may be, until all are over; leave none behind."""
    on_change()
    try:
        while not tally.is_over:
            tally.start(start, workers)
            if tally.collect():
                on_change()
            else:
                time.sleep(POLL_S)
    finally:
        for _, process, _ in tally.under_way.values():
            process.end()


def _told(tally: Tally, total: int, workers: int, started: float, move: Move) -> None:
    """Say how far the study is, and how long the rest takes if it goes on like that."""
    move(tally.n_done, total)
    line = f"{tally.n_done} of {total} runs done, {duration(time.monotonic() - started)} so far"
    if tally.durations_s and tally.n_done < total:
        line += f", about {duration(remaining_s(tally.durations_s, total - tally.n_done, workers))} left"
    tell(line)


def remaining_s(durations_s: Sequence[float], n_left: int, workers: int) -> float:
    """Return the seconds that so many runs take, if they take as long as those did."""
    return sum(durations_s) / len(durations_s) * math.ceil(n_left / workers)
