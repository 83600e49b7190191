"""Serving refuses before it starts, keeps the user's settings out, and deploys what the flow accepts."""

import socket
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows import serve as serving
from flows.automations import SILENCE
from flows.children import ServeError
from flows.serve import serve


def said_nothing(line: str) -> None:
    pytest.fail(f"said {line!r}, so it went on")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    from prefect.settings import PREFECT_HOME, temporary_settings

    with temporary_settings({PREFECT_HOME: tmp_path}):
        yield tmp_path


@pytest.mark.parametrize("which", ["server", "reports"])
def test_a_taken_port_is_said_before_anything_starts(
    home: Path, free_ports: Callable[[int], list[int]], which: str
) -> None:
    port, reports_port = free_ports(2)
    taken = port if which == "server" else reports_port
    with socket.create_server(("127.0.0.1", taken)), pytest.raises(ServeError, match=f"{taken}.* is taken") as raised:
        serve(port, reports_port, said_nothing)
    assert raised.value.exit_code == 2


def test_a_port_that_does_not_exist_is_refused(home: Path) -> None:
    with pytest.raises(ServeError, match="65536") as raised:
        serve(65535, None, said_nothing)
    assert raised.value.exit_code == 2


def test_a_second_serve_on_one_home_is_refused(home: Path, free_ports: Callable[[int], list[int]]) -> None:
    with serving.only_one(), pytest.raises(ServeError, match="already serving") as raised:
        serve(free_ports(1)[0], None, said_nothing)
    assert raised.value.exit_code == 2
    with serving.only_one():
        pass  # free again


def deployments() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(serving.PROJECT_FILE.read_text())["deployments"]
    return found


def flow_of(deployment: dict[str, Any]) -> Any:
    module, _, name = deployment["entrypoint"].partition(":")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("deployment", deployments(), ids=lambda each: str(each["name"]))
def test_the_flow_accepts_what_prefect_yaml_asks_of_it(deployment: dict[str, Any]) -> None:
    asked = deployment.get("parameters", {})
    required = {"file": "metrics.csv"} if deployment["name"] == "file" else {}
    accepted = flow_of(deployment).validate_parameters({**required, **asked})
    assert set(asked) <= set(accepted)
    if "nightly" in deployment["tags"]:
        assert accepted["size"] == deployment["name"]


@pytest.mark.parametrize("deployment", deployments(), ids=lambda each: str(each["name"]))
def test_every_schedule_has_a_slug_and_a_time_zone(deployment: dict[str, Any]) -> None:
    """Without a slug, deploying again starts a schedule that was paused in the UI."""
    schedules = deployment.get("schedules", [])
    assert all(schedule["slug"] and schedule["timezone"] == "UTC" for schedule in schedules)


@pytest.mark.parametrize("deployment", deployments(), ids=lambda each: str(each["name"]))
def test_a_schedules_overlap_is_cancelled_and_what_a_person_asks_for_waits(deployment: dict[str, Any]) -> None:
    limit = deployment.get("concurrency_limit", {"limit": None})
    if deployment.get("schedules"):
        assert limit == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    else:
        assert limit["limit"] is None or limit == {"limit": 1, "collision_strategy": "ENQUEUE"}


@pytest.mark.parametrize("deployment", deployments(), ids=lambda each: str(each["name"]))
def test_every_deployment_says_what_it_is_and_sends_heartbeats_often_enough(deployment: dict[str, Any]) -> None:
    assert deployment["description"].strip()
    assert deployment["tags"]
    heartbeat_s = int(deployment["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    assert 3 * heartbeat_s < SILENCE.total_seconds()


def test_nights_and_the_weekly_diagnosis_are_scheduled_and_what_is_asked_for_is_not() -> None:
    assert {each["name"]: len(each.get("schedules", [])) for each in deployments()} == {
        "250k": 1, "5.5m": 1, "weekly": 1, "users": 1, "arm": 0, "rates": 0, "file": 0, "store": 0,
    }  # fmt: skip


def test_an_arms_deployment_takes_as_many_as_there_are_workers() -> None:
    """A limit would cancel the arms beyond it, and with them the study."""
    (arm,) = [each for each in deployments() if each["name"] == "arm"]
    assert "concurrency_limit" not in arm
