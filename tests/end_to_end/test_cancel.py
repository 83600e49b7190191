"""A cancel in mid-training stops the night for good, and costs none of its steps."""

import json
import re
from typing import Any

import pytest

from tests.end_to_end.serving import TINY, Served, wait_for

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


def test_a_cancelled_night_leaves_a_checkpoint_of_its_last_step(served: Served) -> None:
    long = {**TINY, "training": {**TINY["training"], "epochs": 10_000}, "compute": {"threads": 1, "checkpoint_s": 3}}
    asked = served.prefect("deployment", "run", "nightly/250k", "--params", json.dumps(long))
    assert asked.returncode == 0, asked.stdout
    [run_id] = set(re.findall(r"runs/flow-run/([0-9a-f-]{36})", asked.stdout.replace("\n", "")))
    checkpoints = served.folder / "store" / "work" / "runs"
    wait_for(lambda: list(checkpoints.glob("*/checkpoints/step-*")), "checkpoint")
    cancelled = served.prefect("flow-run", "cancel", run_id)
    assert cancelled.returncode == 0, cancelled.stdout
    wait_for(lambda: state_of(served, run_id) == "CANCELLED", "cancelled run")
    said = wait_for(
        lambda: re.search(r"stopped after step ([\d,]+), as it was asked to", logs_of(served, run_id)), "word"
    )
    step = int(said[1].replace(",", ""))
    assert f"step-{step}" in {path.name for path in checkpoints.glob("*/checkpoints/step-*")}
    assert not [line for line in served.processes() if run_id in line]


def state_of(served: Served, run_id: str) -> str:
    run: dict[str, Any] = served.api("GET", f"/flow_runs/{run_id}")
    return str(run["state_type"])


def logs_of(served: Served, run_id: str) -> str:
    """Return the last 200 lines, the newest first: there is one an evaluation."""
    asked = {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_DESC"}
    return "\n".join(line["message"] for line in served.api("POST", "/logs/filter", asked))
