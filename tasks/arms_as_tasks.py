"""Arms as Prefect tasks of this flow run: a task runner's threads, or the workers of a Dask cluster, take the next one.

A task starts the command that makes its run and waits for it. Trained in the runner's own process, two arms at once
would share torch's random state and its number of threads, and neither curve could be made again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from prefect.futures import PrefectWrappedFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from tasks.arms_here import child_of, logs_of
from tasks.plan import PlannedRun, Question, StudyPlan
from tasks.verb import in_flow_run, verb
from warehouse.config import Arms
from warehouse.errors import WarehouseError
from warehouse.runs import finished
from warehouse.store import store_at

POLL_S = 0.5
_STOP = "stop"


class StartTask(Protocol):
    """Submits a run's task."""

    def __call__(self, run: PlannedRun) -> "ArmTask":
        """Submit it."""


@dataclass(frozen=True)
class ArmTask:
    """A submitted task."""

    future: PrefectWrappedFuture[None, Any]
    stop: Path

    def is_over(self) -> bool:
        """Return whether it ended, well or not."""
        return bool(self.future.wrapped_future.done())

    def last_words(self) -> str:
        """Return what became of it."""
        self.future.wait()  # it is over: this takes its state from the runner, which knows before the server does
        state = self.future.state
        return f"{state.name} {state.message or ''}".strip()

    def end(self) -> None:
        """Have the task, wherever it runs, end its process."""
        self.stop.touch()


@verb
def make_run(question: Question, run: PlannedRun, logs: Path) -> None:
    """Make a run by its command, and wait; a file named stop beside the log ends it.

    Raises
    ------
    WarehouseError
        If the run is not in the store then.
    """
    child = child_of(question, run, logs)
    try:
        while not (child.is_over() or (logs / _STOP).exists()):
            time.sleep(POLL_S)
    finally:
        child.end()
    if not finished(store_at(question.store), run.run_id):
        raise WarehouseError(child.last_words())


@contextmanager
def arms_as_tasks(plan: StudyPlan, workers: int) -> Iterator[StartTask]:
    """Yield what submits a run's task to a task runner with so many workers.

    Raises
    ------
    WarehouseError
        If there is no flow run for the tasks to be of, or Dask is asked for and not there.
    """
    if not in_flow_run():
        message = (
            "--study.arms-run tasks needs a flow run, and a command in a shell is none: run a deployment of the study,"
            " or say here"
        )
        raise WarehouseError(message)
    question = replace(plan.question, store=str(store_at(plan.question.store).root))  # the same for every worker
    with logs_of(question) as logs:
        stop = logs / _STOP
        with runner_of(question.study, workers) as runner:

            def start(run: PlannedRun) -> ArmTask:
                try:
                    future = runner.submit(make_run, {"question": question, "run": run, "logs": logs})
                except OSError as error:  # Dask's client is made with the first task
                    message = f"no Dask cluster for --study.runner dask: {error}"
                    raise WarehouseError(message) from error
                return ArmTask(future, stop)

            yield start
        stop.unlink(missing_ok=True)


def runner_of(study: Arms, workers: int) -> TaskRunner[Any]:
    """Return the task runner that a study asks for, not yet started.

    Raises
    ------
    WarehouseError
        If prefect-dask is not installed.
    """
    if study.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        message = "--study.runner dask needs prefect-dask: pip install 'sawtooth[dask]', or say threads"
        raise WarehouseError(message) from error
    if study.dask_address:
        return DaskTaskRunner(address=study.dask_address)
    cluster = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs=cluster)
