"""The supervisor: refuses before it starts, notices who died, ends the stubborn, and keeps the user's settings out."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows import serve as serving
from flows.nightly import nightly
from flows.serve import Asked, Children, ServeError, StopAskedError, serve, signals_noted

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


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


def test_the_users_prefect_profile_and_proxy_do_not_reach_the_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.example/api")
    monkeypatch.setenv("no_proxy", "intranet.example")
    environment = serving.environment(4200, tmp_path, "http://127.0.0.1:4201")
    assert environment["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"
    assert environment["no_proxy"] == environment["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert environment["SAWTOOTH_STORE"] == str(tmp_path)
    assert environment["SAWTOOTH_REPORTS_URL"] == "http://127.0.0.1:4201"


def test_signals_are_noted_and_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with signals_noted() as asked:
        assert not asked.stop
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.stop
        with pytest.raises(StopAskedError):
            Children({}, asked).wait()
    assert signal.getsignal(signal.SIGTERM) == before


def test_children_hear_sigint_even_where_it_was_ignored() -> None:
    """Regression: a worker started by `serve &` in a script ignored SIGINT, and so never ended on SIGTERM."""
    ask = "import signal, sys; sys.exit(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 1
        with signals_noted():
            assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_child_that_dies_is_noticed_with_name_code_and_log(tmp_path: Path) -> None:
    children = Children(os.environ, Asked())
    children.start("oracle", [sys.executable, "-c", "import sys; sys.exit('why')"], log=tmp_path / "log")
    with pytest.raises(ServeError, match=r"oracle ended by itself \(exit code 1\).*its log is") as raised:
        until_raised(children)
    assert raised.value.exit_code == 1
    assert (tmp_path / "log").read_text().strip() == "why"


def test_a_child_that_was_killed_is_named_by_its_signal() -> None:
    children = Children(os.environ, Asked())
    children.start("oracle", SLEEPER)
    children.running["oracle"].kill()
    with pytest.raises(ServeError, match=r"oracle ended by itself \(signal SIGKILL\)"):
        until_raised(children)


def test_a_command_that_fails_is_quoted() -> None:
    with pytest.raises(ServeError, match=r"(?s)deploy failed \(exit code 1\).*no such pool"):
        Children(os.environ, Asked()).run("deploy", [sys.executable, "-c", "import sys; sys.exit('no such pool')"])


def test_a_stop_during_a_command_ends_that_command() -> None:
    asked = Asked(stop=True)
    started = time.monotonic()
    with pytest.raises(StopAskedError):
        Children(os.environ, asked).run("deploy", SLEEPER)
    assert time.monotonic() - started < 5


def test_a_child_that_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serving, "GRACE_S", 0.2)
    children = Children(os.environ, Asked())
    children.start("deaf", STUBBORN, log=tmp_path / "log")
    process = children.running["deaf"]
    while "deaf" not in (tmp_path / "log").read_text():
        children.wait()
    children.end("deaf")
    assert process.returncode == -signal.SIGKILL
    children.end("deaf")  # and again: nothing to do


def test_children_of_a_child_end_with_it(tmp_path: Path) -> None:
    parent = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        " print(child.pid, flush=True); time.sleep(60)"
    )
    children = Children(os.environ, Asked())
    children.start("parent", [sys.executable, "-c", parent], log=tmp_path / "log")
    while not (tmp_path / "log").read_text().endswith("\n"):
        children.wait()
    grandchild = int((tmp_path / "log").read_text())
    children.end("parent")
    deadline = time.monotonic() + 10
    while is_alive(grandchild):
        assert time.monotonic() < deadline


def deployments() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(serving.PROJECT_FILE.read_text())["deployments"]
    return found


@pytest.mark.parametrize("deployment", deployments(), ids=lambda each: str(each["name"]))
def test_the_flow_accepts_what_prefect_yaml_asks_of_it(deployment: dict[str, Any]) -> None:
    accepted = nightly.validate_parameters(deployment["parameters"])
    assert accepted["size"] == deployment["name"]


@pytest.mark.parametrize("deployment", deployments(), ids=lambda each: str(each["name"]))
def test_every_schedule_has_a_slug_and_a_time_zone(deployment: dict[str, Any]) -> None:
    """Without a slug, deploying again starts a schedule that was paused in the UI."""
    [schedule] = deployment["schedules"]
    assert schedule["slug"]
    assert schedule["timezone"] == "UTC"


def until_raised(children: Children, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        children.wait()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
