"""The machine loses power in mid-training: server, worker and flow run are gone at once, and come back."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.serving import TINY, Served, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
ON_TIME = {"PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "60"}
"""Prefect calls a run Late after 15 s, which a busy machine may need to start a process."""
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


def states_of(served: Served, run: str) -> list[str]:
    """Return the names of a run's states, the first one first."""
    states = served.api("GET", f"/flow_run_states/?flow_run_id={run}")
    return [state["name"] for state in sorted(states, key=lambda state: state["timestamp"])]


def add_schedule(served: Served) -> None:
    """Let the night's deployment also run every 20 seconds."""
    deployment = served.api("GET", "/deployments/name/nightly/250k")
    often = {"interval": 20, "anchor_date": datetime.now(UTC).isoformat(), "timezone": "UTC"}
    schedule = {"schedule": often, "active": True, "slug": "often", "parameters": TINY}
    served.api("POST", f"/deployments/{deployment['id']}/schedules", [schedule])


def scheduled_and_over(served: Served) -> dict[str, Any] | None:
    """Return the first scheduled run that came to an end by running."""
    ended = served.runs({"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}})
    return next((run for run in ended if run["auto_scheduled"]), None)


def test_after_an_outage_the_run_is_marked_asked_for_again_and_finished_and_the_next_is_on_time(
    tmp_path: Path, free_ports: Callable[[int], list[int]]
) -> None:
    ports = free_ports(2)
    with serving(tmp_path, ports, ON_TIME) as served:
        asked = served.prefect(
            "deployment", "run", "nightly/250k", "--flow-run-name", "cut-off", "--params", json.dumps(LONG)
        )
        assert asked.returncode == 0, asked.stdout
        run = night(served, "cut-off")["id"]
        wait_for(lambda: is_training(served, run), "training")
        lose_power(served)
        assert not (tmp_path / "store" / "runs").exists(), "the training was over before"

    with serving(tmp_path, ports, ON_TIME) as served:
        assert night(served, "cut-off")["state_name"] in {"Crashed", "AwaitingRetry", "Pending", "Running"}
        wait_for(lambda: night(served, "cut-off")["state_type"] == "COMPLETED", "completed run")
        names = states_of(served, run)
        assert names.count("Running") == 2
        assert names[names.index("Crashed") + 1] == "AwaitingRetry"

        add_schedule(served)
        scheduled = wait_for(lambda: scheduled_and_over(served), "scheduled run")
        assert scheduled["state_type"] == "COMPLETED"
        assert "Late" not in states_of(served, scheduled["id"])
