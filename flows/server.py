"""Prefect's server as a child of `serve`: its command and settings, the way to it, and whether it answers."""

import http
import http.client
import os
import sys
import time
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import get_current_settings

from flows.children import Children, ServeError
from flows.reports_server import LOOPBACK

SERVER = "Prefect server"
START_TIMEOUT_S = 300.0
"""Long, because a death is noticed at once: a machine that just came up may be busy with everything else."""


def start_server(children: Children, port: int) -> None:
    """Start the server and wait until it answers.

    Raises
    ------
    ServeError
        If it ends by itself or does not answer in time.
    """
    command = prefect_command("server", "start", "--host", LOOPBACK, "--port", str(port))
    children.start(SERVER, command, log=server_log())
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_healthy(port):
        if time.monotonic() > deadline:
            message = f"the Prefect server did not answer on port {port} within {START_TIMEOUT_S:.0f} s"
            raise ServeError(message)
        children.wait()


def is_healthy(port: int) -> bool:
    """Return whether the server answers on a port of this machine; it does so without a password."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def client_of(port: int) -> SyncPrefectClient:
    """Return a client of the server on a port of this machine, with the password that it asks for."""
    return SyncPrefectClient(api=api_url(port), auth_string=server_password())


def api_url(port: int) -> str:
    """Return the address of the API of the server on a port of this machine."""
    return f"http://{LOOPBACK}:{port}/api"


def server_password() -> str | None:
    """Return the `name:password` that a server started here asks for, by Prefect's own setting; None: it asks none."""
    secret = get_current_settings().server.api.auth_string
    return secret.get_secret_value() if secret else None


def prefect_command(*arguments: str) -> list[str]:
    """Return a command of this environment's Prefect, whatever is on the PATH."""
    return [sys.executable, "-m", "prefect", *arguments]


def server_log() -> Path:
    """Return where the server's log of the last start is; the terminal is left to the flow runs."""
    return get_current_settings().home / "sawtooth-serve.log"


def environment(port: int, store: Path, reports_url: str) -> dict[str, str]:
    """Return the children's environment. What is set here wins over the user's own Prefect profile."""
    own_names = f"{LOOPBACK},localhost"
    proxied = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    bypass = f"{proxied},{own_names}" if proxied else own_names
    password = server_password()
    return {
        "OMP_WAIT_POLICY": "PASSIVE",  # as in flows/__main__.py
        **os.environ,
        "no_proxy": bypass,
        "NO_PROXY": bypass,
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_URL": api_url(port),
        **({"PREFECT_API_AUTH_STRING": password} if password else {}),
        # Prefect's default lets every page in the user's browser call the API, which can start processes.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{LOOPBACK}:{port},http://localhost:{port}",
        # In memory, Prefect's default, a server that dies during a run never frees its deployment's slot.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # Ten seconds by default: nearly all of the wait between asking for a run and its start.
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "SAWTOOTH_STORE": str(store),
        "SAWTOOTH_REPORTS_URL": reports_url,
    }
