"""Arms as tasks: each waits for its run's process, says what became of it, and ends it when the study is stopped."""

import subprocess
import sys
from concurrent.futures import Future
from dataclasses import dataclass, replace

import pytest
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from tasks import arms_as_tasks as as_tasks
from tasks.arms_as_tasks import ArmTask, arms_as_tasks, make_run, runner_of
from tasks.arms_here import ChildProcess
from tasks.plan import plan_arms
from tests.tasks.conftest import TINY
from warehouse.config import Sweep
from warehouse.errors import WarehouseError
from warehouse.store import Store, write_json


@dataclass
class Submitted:
    """A future whose state is known once it was waited for."""

    wrapped_future: Future
    ended_as: object
    state: object = None

    def wait(self):
        self.state = self.ended_as


def planned(store, **study):
    return plan_arms(replace(TINY, study=Sweep(rates=(0.003,), seeds=1, **study), store=str(store)), "d")


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Have a run's process run this code; give a list of the processes that were started."""
    started = []

    def with_code(code):
        def child_of(_question, run, logs):
            log = logs / f"{run.run_id}.log"
            with log.open("wb") as output:
                process = subprocess.Popen([sys.executable, "-c", code], stdout=output, stderr=output)
            started.append(process)
            return ChildProcess(process, log)

        monkeypatch.setattr(as_tasks, "child_of", child_of)
        monkeypatch.setattr(as_tasks, "POLL_S", 0.01)
        return started

    return with_code


def test_a_run_that_is_not_in_the_store_is_a_failed_task_with_its_words(child, tmp_path):
    plan = planned(tmp_path)
    child("print('error: no disk'); exit(1)")
    with pytest.raises(WarehouseError, match=r"^no disk \(exit code 1; log: "):
        make_run(plan.question, plan.base_runs()[0], tmp_path)


def test_a_run_that_is_in_the_store_is_made_whatever_its_process_said(child, tmp_path):
    plan = planned(tmp_path)
    run = plan.base_runs()[0]
    child("exit(1)")
    folder = Store(tmp_path).run(run.run_id)
    folder.mkdir(parents=True)
    write_json(folder / "DONE", {"files": {}})
    make_run(plan.question, run, tmp_path)


def test_a_stop_ends_the_process_wherever_the_task_runs(child, tmp_path):
    plan = planned(tmp_path)
    started = child("import threading; threading.Event().wait()")
    ArmTask(Submitted(Future(), None), tmp_path / "stop").end()
    with pytest.raises(WarehouseError, match="ended by signal SIGTERM"):
        make_run(plan.question, plan.base_runs()[0], tmp_path)
    assert started[0].returncode == -15


@pytest.mark.parametrize(("state", "said"), [(Failed(message="no disk"), "Failed no disk"), (Completed(), "Completed")])
def test_an_end_is_told(state, said, tmp_path):
    future = Future()
    task = ArmTask(Submitted(future, state), tmp_path / "stop")
    assert not task.is_over()
    future.set_result(state)
    assert task.is_over()
    assert task.last_words() == said


def test_outside_a_flow_run_it_says_what_to_do(tmp_path):
    with pytest.raises(WarehouseError, match="needs a flow run"), arms_as_tasks(planned(tmp_path), 2):
        pass


def test_a_cluster_that_does_not_answer_is_said(tmp_path, monkeypatch):
    class Unreached(ThreadPoolTaskRunner):
        def submit(self, *_, **__):
            message = "Timed out trying to connect to tcp://127.0.0.1:1 after 30 s"
            raise OSError(message)

    monkeypatch.setattr(as_tasks, "in_flow_run", lambda: True)
    monkeypatch.setattr(as_tasks, "runner_of", lambda *_: Unreached())
    plan = planned(tmp_path)
    with (
        arms_as_tasks(plan, 1) as start,
        pytest.raises(WarehouseError, match=r"no Dask cluster .* tcp://127\.0\.0\.1:1 "),
    ):
        start(plan.base_runs()[0])


def test_threads_are_the_workers():
    assert runner_of(Sweep(arms_run="tasks"), 3) == ThreadPoolTaskRunner(max_workers=3)


def test_dask_is_a_cluster_here_or_the_one_that_is_named():
    pytest.importorskip("prefect_dask", reason="the extra dask is not installed")
    here = runner_of(Sweep(arms_run="tasks", runner="dask"), 3)
    assert (here.address, here.cluster_kwargs["n_workers"], here.cluster_kwargs["threads_per_worker"]) == (None, 3, 1)
    there = runner_of(Sweep(arms_run="tasks", runner="dask", dask_address="tcp://10.0.0.5:8786"), 3)
    assert (there.address, there.cluster_kwargs) == ("tcp://10.0.0.5:8786", {})


def test_dask_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    monkeypatch.setitem(sys.modules, "prefect_dask.task_runners", None)
    with pytest.raises(WarehouseError, match=r"pip install 'sawtooth\[dask\]', or say threads"):
        runner_of(Sweep(arms_run="tasks", runner="dask"), 2)
