"""Flow runs that crashed: Prefect lets one whose worker is gone run for ever, and asks for none again."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterParentTaskRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import AwaitingRetry, Cancelled, Crashed

POOL = "sawtooth"
WORKER_NAME = "sawtooth-serve"
RETRIES = 2
"""How often a run that crashed is asked for again; one that crashes a third time is for somebody to look at."""
STILL_WANTED = timedelta(days=1)
"""A run that crashed longer ago is not asked for again: later nights have answered it."""
_OUR_POOL = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))


def mark_lost_runs(client: SyncPrefectClient) -> None:
    """Mark as crashed what this command's worker was running when it ended; what was to be cancelled, as cancelled.

    Nobody else does: such a run says Running for ever and holds the only slot of its deployment, so that every
    later night is cancelled. Called only while the worker is not there. Runs of other workers are left alone.
    A worker that ends takes its runs' processes along; one that was killed leaves them, so they are ended here.
    """
    unfinished = _in_state(StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
    for run in client.read_flow_runs(flow_run_filter=FlowRunFilter(state=unfinished), work_pool_filter=_OUR_POOL):
        # A run whose worker died while submitting it has no label yet.
        if run.labels.get("prefect.worker.name", WORKER_NAME) == WORKER_NAME:
            _end_orphan(run)
            cancelled = run.state is not None and run.state.is_cancelling()
            ended = Cancelled if cancelled else Crashed
            message = "Serving ended while this ran; a retry goes on where it was."
            client.set_flow_run_state(run.id, ended(message=message))


def retry_crashed_runs(client: SyncPrefectClient) -> None:
    """Ask again for runs that crashed lately, each at most twice; they go on where they were.

    Crashes are counted by the states, not by the runs' own count, which a crash before the start leaves at zero. A
    flow's `retries` would not do: they happen in the process that is gone. Children of a run are left to their parent.
    """
    crashed = FlowRunFilter(
        state=_in_state(StateType.CRASHED),
        end_time=FlowRunFilterEndTime(after_=datetime.now(UTC) - STILL_WANTED),
        parent_task_run_id=FlowRunFilterParentTaskRunId(is_null_=True),
    )
    for run in client.read_flow_runs(flow_run_filter=crashed, work_pool_filter=_OUR_POOL):
        states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
        crashes = sum(state.is_crashed() for state in states)
        if was_cancelled(states):
            client.set_flow_run_state(run.id, Cancelled(message="Cancelled while it ran."), force=True)
        elif crashes <= RETRIES:
            message = f"Crashed; asked for again ({crashes} of {RETRIES} times)."
            client.set_flow_run_state(run.id, AwaitingRetry(scheduled_time=datetime.now(UTC), message=message))


def was_cancelled(states: Sequence[State[Any]]) -> bool:
    """Return whether a run was cancelled since it was last asked for.

    A flow that is cancelled ends by SIGTERM and calls that a crash, before its worker says Cancelled or after.

    Parameters
    ----------
    states
        All that the run went through, the oldest first.
    """
    for state in reversed(states):
        if state.is_cancelling() or state.is_cancelled():
            return True
        if state.is_scheduled():
            return False
    return False


def _in_state(*types: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types)))


def _end_orphan(run: FlowRun) -> None:
    """Kill the group of a run's process, if it is there and surely that run's: numbers of processes come again."""
    try:
        pid = int(run.infrastructure_pid or "")
        surely = f"PREFECT__FLOW_RUN_ID={run.id}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except (ValueError, OSError):  # no number, no such process, not ours, or a system without /proc
        return
    if surely:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
