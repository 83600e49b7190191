"""The machine loses power in mid-training: server, worker and flow run are gone at once, and come back."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.serving import TINY, Served, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
LONG = {**TINY, "training": {**TINY["training"], "epochs": 150}}
"""A night whose training takes long enough to be cut off, and not long to do twice."""


def lose_power(served: Served) -> None:
    """Kill everything of a `serve`, its own process first, so that nobody is left to write down anything."""
    served.process.kill()
    for process in served.processes():
        with suppress(ProcessLookupError):
            os.kill(int(process.split()[0]), signal.SIGKILL)
    wait_for(lambda: not served.processes(), "end of the processes")


def is_training(served: Served, run: str) -> bool:
    progress = {"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": ["training-250k"]}}}
    return bool(served.api("POST", "/artifacts/count", progress))


def night(served: Served, name: str) -> dict[str, Any]:
    [run] = served.runs({"name": {"any_": [name]}})
    return run


def add_schedule(served: Served, at: datetime) -> None:
    """Add a schedule to the night's deployment that next fires at a moment."""
    deployment = served.api("GET", "/deployments/name/nightly/250k")
    daily = {"interval": 86_400, "anchor_date": at.isoformat(), "timezone": "UTC"}
    schedule = {"schedule": daily, "active": True, "slug": "test", "parameters": TINY}
    served.api("POST", f"/deployments/{deployment['id']}/schedules", [schedule])


def next_scheduled(served: Served, at: datetime) -> dict[str, Any] | None:
    def hits(run: dict[str, Any]) -> bool:
        return abs(datetime.fromisoformat(run["expected_start_time"]) - at) < timedelta(seconds=1)

    return next((run for run in served.runs({}) if hits(run) and run["end_time"]), None)


def test_after_an_outage_the_run_is_marked_asked_for_again_and_finished_and_the_next_is_on_time(
    tmp_path: Path, free_ports: Callable[[int], list[int]]
) -> None:
    ports = free_ports(2)
    with serving(tmp_path, ports) as served:
        asked = served.prefect(
            "deployment", "run", "nightly/250k", "--flow-run-name", "cut-off", "--params", json.dumps(LONG)
        )
        assert asked.returncode == 0, asked.stdout
        run = night(served, "cut-off")["id"]
        wait_for(lambda: is_training(served, run), "training")
        lose_power(served)
        assert not (tmp_path / "store" / "runs").exists(), "the training was over before"

    with serving(tmp_path, ports) as served:
        assert night(served, "cut-off")["state_name"] in {"Crashed", "AwaitingRetry", "Pending", "Running"}
        wait_for(lambda: night(served, "cut-off")["state_type"] == "COMPLETED", "completed run")
        states = served.api("GET", f"/flow_run_states/?flow_run_id={run}")
        names = [state["name"] for state in sorted(states, key=lambda state: state["timestamp"])]
        assert names.count("Running") == 2
        assert names[names.index("Crashed") + 1] == "AwaitingRetry"

        at = datetime.now(UTC) + timedelta(seconds=8)
        add_schedule(served, at)
        scheduled = wait_for(lambda: next_scheduled(served, at), "scheduled run")
        assert scheduled["state_type"] == "COMPLETED"
        assert scheduled["auto_scheduled"]
        late_s = (datetime.fromisoformat(scheduled["start_time"]) - at).total_seconds()
        assert late_s < 30, "as a worker that asks every 2 s on a busy machine"
