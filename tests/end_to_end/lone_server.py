"""A Prefect server alone, and a night as a script of one's own runs it: a flow run that no worker looks after."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flows.server import environment, is_healthy, prefect_command
from tests.end_to_end.serving import TINY, fetched, wait_for
from warehouse.runs import facts_of
from warehouse.store import Store

LONG = {**TINY, "training": {**TINY["training"], "epochs": 150}}
NIGHT = "import json, sys; from flows.nightly import nightly; nightly(**json.loads(sys.argv[1]))"


@contextmanager
def server(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a Prefect server with a home of its own, and kill it at the end as a machine does that loses power."""
    command = prefect_command("server", "start", "--host", "127.0.0.1", "--port", str(port))
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=settings(port, folder), cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(lambda: is_healthy(port), "answer of the server")
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def settings(port: int, folder: Path) -> dict[str, str]:
    return {**environment(port, folder / "store", "http://127.0.0.1:1"), "PREFECT_HOME": str(folder / "home")}


@contextmanager
def night(port: int, folder: Path, more: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start a night, and wait until its training has begun and is shown."""
    said = (folder / "night.log").open("w")
    with said:
        process = subprocess.Popen(
            [sys.executable, "-c", NIGHT, json.dumps(LONG)],
            env={**settings(port, folder), **more}, stdout=said, stderr=said, text=True,
        )  # fmt: skip
    try:
        wait_for(lambda: is_shown(port, "training-250k") or process.poll() is not None, "training")
        yield process
    finally:
        process.kill()
        process.wait()


def is_shown(port: int, key: str) -> bool:
    body = json.dumps({"artifacts": {"key": {"any_": [key]}}})
    answer = fetched(port, "/api/artifacts/count", "POST", body, {"Content-Type": "application/json"})
    return answer.status == 200 and json.loads(answer.body) > 0


def stored(folder: Path) -> str:
    """Return the status of the only run that is whole."""
    (run,) = (folder / "store" / "runs").iterdir()
    return str(facts_of(Store(folder / "store"), run.name)["status"])
