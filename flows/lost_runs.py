"""Flow runs whose worker is gone: Prefect says that they run for ever, unless somebody marks them."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

POOL = "sawtooth"
WORKER_NAME = "sawtooth-serve"


def mark_lost_runs(client: SyncPrefectClient) -> None:
    """Mark as crashed what this command's worker was running when it ended.

    Nobody else does: such a run says Running for ever and holds the only slot of its deployment, so that every
    later night is cancelled. Called only while the worker is not there. Runs of other workers are left alone.
    A worker that ends takes its runs' processes along; one that was killed leaves them, so they are ended here.
    """
    unfinished = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=unfinished)),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL])),
    )
    for run in runs:
        # A run whose worker died while submitting it has no label yet.
        if run.labels.get("prefect.worker.name", WORKER_NAME) == WORKER_NAME:
            _end_orphan(run)
            client.set_flow_run_state(
                run.id, Crashed(message="Serving ended while this ran; a retry goes on where it was.")
            )


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
