"""A server with a password, by Prefect's own setting: nobody comes in without, and it is written nowhere."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.end_to_end.serving import TINY, Served, fetched, serving

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
PASSWORD = "night:only-we-know-it"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, free_ports: Callable[[int], list[int]]) -> Iterator[Served]:
    """Give a `serve` whose server asks for a password."""
    settings = {"PREFECT_SERVER_API_AUTH_STRING": PASSWORD}
    with serving(tmp_path_factory.mktemp("guarded"), free_ports(2), settings) as up:
        yield up


@pytest.fixture(scope="module")
def night(guarded: Served) -> None:
    """Run a night on it."""
    run = guarded.prefect("deployment", "run", "nightly/250k", "--watch", "--params", json.dumps(TINY))
    assert run.returncode == 0, run.stdout + guarded.said


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic bmlnaHQ6d3Jvbmc="}], ids=["none", "wrong"])
def test_without_the_password_the_api_answers_401(guarded: Served, headers: dict[str, str]) -> None:
    for method, path in [("GET", "/api/admin/version"), ("POST", "/api/flow_runs/filter")]:
        assert fetched(guarded.port, path, method, "{}", headers).status == 401


@pytest.mark.usefixtures("night")
def test_with_it_a_night_runs_and_the_doctor_finds_all_well(guarded: Served) -> None:
    doctor = guarded.command("flows", "doctor", "--format", "json", "--store", str(guarded.folder / "store"))
    findings = json.loads(doctor.stdout.splitlines()[0])["findings"]
    assert {each["state"] for each in findings} == {"well"}, findings
    assert doctor.returncode == 0


@pytest.mark.usefixtures("night")
def test_the_password_is_written_nowhere(guarded: Served) -> None:
    """Not to the terminal, the server's log, its database with artifacts and logs, or the store."""
    files = [path for path in guarded.folder.rglob("*") if path.is_file()]
    assert {"terminal", "prefect.db", "sawtooth-serve.log", "report.html"} <= {path.name for path in files}
    secret = PASSWORD.partition(":")[2].encode()
    assert [path for path in files if secret in path.read_bytes()] == []
