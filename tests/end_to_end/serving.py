"""The real thing: `python -m flows serve` as a user starts it, on free ports, with a home and a store of its own."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

NO_SETTINGS: Mapping[str, str] = {}
UP_TIMEOUT_S = 600
STOP_TIMEOUT_S = 90
TINY: dict[str, Any] = {
    "source": {"synthetic": {"events": 3000, "items": 60}},
    "dataset": {"train_windows": 500, "validation_windows": 50, "test_windows": 50},
    "training": {"epochs": 1, "probe_windows": 100, "batch_size": 64},
    "compute": {"device": "cpu", "threads": 1},
}
"""Parameters of a night that takes seconds."""


class Answer(NamedTuple):
    """What an HTTP server said."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Served:
    """One `serve` command that is up."""

    process: subprocess.Popen[bytes]
    port: int
    reports_port: int
    folder: Path
    password: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def reports_url(self) -> str:
        return f"http://127.0.0.1:{self.reports_port}"

    @property
    def said(self) -> str:
        """What it wrote to the terminal."""
        return (self.folder / "terminal").read_text()

    @property
    def user_environment(self) -> dict[str, str]:
        """What a user in another terminal has set."""
        secret = {"PREFECT_API_AUTH_STRING": self.password} if self.password else {}
        return {"PREFECT_API_URL": f"{self.url}/api", "PREFECT_HOME": str(self.folder / "user"), **secret}

    def prefect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a prefect command as a user in another terminal."""
        return self.command("prefect", "--no-prompt", *arguments)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a module as a user in another terminal, from a folder that has nothing to do with it."""
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            env={**os.environ, **self.user_environment},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call Prefect's API."""
        headers = {"Content-Type": "application/json"}
        if self.password:
            headers["Authorization"] = f"Basic {b64encode(self.password.encode()).decode()}"
        # 503 is SQLite's "locked": Prefect's own clients ask again, too.
        status, text = wait_for(
            lambda: (got := fetched(self.port, f"/api{path}", method, json.dumps(body), headers)).status != 503 and got,
            f"answer to {method} {path} other than 503",
        )[:2]
        assert status < 300, f"{method} {path}: {status} {text!r}"
        return json.loads(text) if text else None

    def runs(self, filters: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the flow runs of a filter of Prefect's, the oldest first."""
        found: list[dict[str, Any]] = self.api(
            "POST", "/flow_runs/filter", {"flow_runs": filters, "sort": "EXPECTED_START_TIME_ASC"}
        )
        return found

    def processes(self) -> list[str]:
        """Return the commands that are alive with this one's home in their environment, children of children too."""
        mark = f"PREFECT_HOME={self.folder / 'home'}".encode()
        alive = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in environment.read_bytes().split(b"\0"):
                    command = environment.with_name("cmdline").read_bytes()
                    alive.append(f"{environment.parent.name} {command.decode().replace(chr(0), ' ')}")
            except OSError:  # ended meanwhile, or not ours
                continue
        return alive


@contextmanager
def serving(folder: Path, ports: list[int], settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[Served]:
    """Start `serve`, wait until it is up, and at the end see that nothing of it is left."""
    port, reports_port = ports
    home = folder / "home"
    command = [sys.executable, "-m", "flows", "serve", "--port", str(port), "--reports-port", str(reports_port)]
    with (folder / "terminal").open("wb") as terminal:
        process = subprocess.Popen(
            # As a background command of a script: with SIGINT ignored.
            ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command],
            env={**os.environ, "PREFECT_HOME": str(home), "SAWTOOTH_STORE": str(folder / "store"), **settings},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
        )
    served = Served(process, port, reports_port, folder, settings.get("PREFECT_SERVER_API_AUTH_STRING"))
    try:
        wait_for(lambda: "Press Ctrl-C" in served.said or process.poll() is not None, "start", UP_TIMEOUT_S)
        assert process.poll() is None, served.said
        yield served
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        finally:
            process.kill()
    assert not served.processes()


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 600) -> Any:
    """Ask again until the condition gives something true; return that."""
    deadline = time.monotonic() + timeout_s
    while not (got := condition()):
        assert time.monotonic() < deadline, f"no {what} within {timeout_s} s"
        time.sleep(0.2)
    return got


def fetched(
    port: int, path: str, method: str = "GET", body: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Ask a server on the loopback interface."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})
    finally:
        connection.close()
