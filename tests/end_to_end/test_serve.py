"""What a night's operator relies on: schedules fire, exit codes tell, reports open, and nothing is lost on the way."""

import json
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.serving import TINY, Served, fetched, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
PROJECT = Path(__file__).parents[2]


def deployment(served: Served, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = served.api("GET", f"/deployments/name/nightly/{name}")
    return answer


def count_scheduled(served: Served, name: str) -> int:
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    found: int = served.api(
        "POST", "/flow_runs/count", {"flow_runs": scheduled, "deployments": {"name": {"any_": [name]}}}
    )
    return found


@pytest.mark.parametrize("name", ["250k", "5.5m"])
def test_a_schedule_that_never_fired_makes_runs(served: Served, name: str) -> None:
    """Regression: with SQLAlchemy 2.1 Prefect starts, looks well, and schedules nothing, ever."""
    wait_for(lambda: count_scheduled(served, name), f"scheduled run of {name}")


@pytest.mark.parametrize("name", ["250k", "5.5m"])
def test_a_deployment_keeps_no_path_of_this_machine(served: Served, name: str) -> None:
    stored = deployment(served, name)
    assert stored["entrypoint"] == "flows.nightly:nightly"
    assert not stored["path"]
    assert stored["pull_steps"] == []
    assert str(PROJECT) not in json.dumps(stored)


def test_a_schedule_paused_in_the_ui_stays_paused_when_deployed_again(served: Served) -> None:
    before = deployment(served, "5.5m")
    [schedule] = before["schedules"]
    served.api("PATCH", f"/deployments/{before['id']}/schedules/{schedule['id']}", {"active": False})
    deployed = served.prefect("deploy", "--all", "--prefect-file", str(PROJECT / "prefect.yaml"))
    assert deployed.returncode == 0, deployed.stdout
    after = deployment(served, "5.5m")
    assert [again["active"] for again in after["schedules"]] == [False]
    served.api("PATCH", f"/deployments/{before['id']}/schedules/{schedule['id']}", {"active": True})


def test_a_night_completes_with_exit_code_0_and_its_report_opens(served: Served) -> None:
    run = served.prefect("deployment", "run", "nightly/250k", "--watch", "--params", json.dumps(TINY))
    assert run.returncode == 0, run.stdout + served.said
    artifact = served.api("GET", "/artifacts/report-250k/latest")
    [link] = re.findall(rf"{served.reports_url}(/runs/[^/]+/report\.html)", artifact["data"])
    status, page, _ = fetched(served.reports_port, link)
    assert status == 200
    assert page.lower().startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"training": {"batch_size": 0}}, "batch_size"),
        ({"training": {"learning_rate": 0.1}}, "learning_rate"),
        ({"size": "7m"}, "7m"),
    ],
    ids=["out of bounds", "unknown key", "unknown size"],
)
def test_bad_parameters_exit_1_and_say_why(served: Served, parameters: dict[str, Any], reason: str) -> None:
    run = served.prefect("deployment", "run", "nightly/250k", "--watch", "--params", json.dumps(parameters))
    assert run.returncode == 1, run.stdout
    assert reason in run.stdout.replace("\n", " ")


def test_a_page_of_another_site_may_not_call_the_api(served: Served) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin, allowed in [(served.url, served.url), ("https://elsewhere.example", None)]:
        answer = fetched(served.port, "/api/deployments/", "OPTIONS", headers={"Origin": origin, **asks})
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_a_second_serve_on_the_same_ports_is_refused(served: Served, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="is taken"), serving(tmp_path, [served.port, served.reports_port]):
        pass


def test_a_worker_killed_during_a_run_ends_everything_and_frees_the_night(
    tmp_path: Path, free_ports: Callable[[int], list[int]]
) -> None:
    """Regression: such a run stayed Running for ever, kept the only slot, and every later night was cancelled."""
    long = {**TINY, "training": {**TINY["training"], "epochs": 10_000}}
    with serving(tmp_path, free_ports(2)) as served:
        asked = served.prefect("deployment", "run", "nightly/250k", "--params", json.dumps(long))
        assert asked.returncode == 0, asked.stdout
        running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
        wait_for(lambda: served.api("POST", "/flow_runs/count", running), "running flow")
        [worker] = [line for line in served.processes() if "worker start" in line]
        os.kill(int(worker.split()[0]), signal.SIGKILL)
        assert served.process.wait(40) == 1
        assert "the worker ended by itself (signal SIGKILL)" in served.said
    with sqlite3.connect(tmp_path / "home" / "prefect.db") as database:
        states = database.execute("SELECT state_type FROM flow_run WHERE state_type <> 'SCHEDULED'").fetchall()
        slots = database.execute("SELECT sum(active_slots) FROM concurrency_limit_v2").fetchone()
    database.close()
    assert states == [("CRASHED",)]
    assert slots == (0,)
