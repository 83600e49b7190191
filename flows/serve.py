"""One command for one machine: Prefect's server and UI, the deployments, a worker, and the runs' reports.

Everything listens on 127.0.0.1 only and lives as long as the command. Children run in sessions of their own,
so that Ctrl-C reaches this process alone, which ends them in order: first the worker with its flow runs, while
there is still a server to write down what became of them.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import NoReturn

import httpx
from filelock import FileLock, Timeout
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.workers.process import ProcessWorker

from flows.automations import install_automations
from flows.children import Children, ServeError, StopAskedError, signals_noted
from flows.lost_runs import POOL, WORKER_NAME, mark_lost_runs, retry_crashed_runs
from flows.reports_server import LOOPBACK, ReportsServer
from flows.server import SERVER, client_of, environment, is_healthy, prefect_command, server_log, start_server
from warehouse.config import store_root

WORKER = "worker"
PROJECT_FILE = Path(__file__).parent.parent / "prefect.yaml"
RETRY_EVERY_S = 10.0


def serve(port: int, reports_port: int | None, tell: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM, and leave no child behind.

    Parameters
    ----------
    port
        Of the Prefect server and its UI.
    reports_port
        Of the reports; None: the port after `port`.
    tell
        Called with each sentence for the user.

    Raises
    ------
    ServeError
        If a port is taken (exit code 2, nothing started), or a child does not start or dies (exit code 1).
    """
    store = store_root()
    with only_one(), reports_served(store, port, reports_port) as reports_url, signals_noted() as asked:
        children = Children(environment(port, store, reports_url), asked)
        try:
            _bring_up(children, port, tell)
            tell(f"Prefect UI  http://{LOOPBACK}:{port}\nStore       {store}\nPress Ctrl-C to stop.")
            _watch(children, port)
        except StopAskedError:
            tell("Stopping ...")
        except httpx.HTTPError as error:
            message = f"the Prefect server no longer answers ({type(error).__name__}); its log is {server_log()}"
            raise ServeError(message) from error
        finally:
            _take_down(children, port)
    tell("Stopped. The history is kept for the next start.")


def _bring_up(children: Children, port: int, tell: Callable[[str], None]) -> None:
    """Start server, pool, deployments and worker, each when the one before is ready."""
    tell("Starting the Prefect server (5 to 30 seconds) ...")
    start_server(children, port)
    with client_of(port) as client:
        _ensure_pool(client)
        mark_lost_runs(client)
        install_automations(client, os.environ.get("SAWTOOTH_NOTIFY_URL"))
    tell(f"Deploying {PROJECT_FILE.name} ...")
    children.run(
        "prefect deploy", prefect_command("--no-prompt", "deploy", "--all", "--prefect-file", str(PROJECT_FILE))
    )
    children.start(
        WORKER, prefect_command("worker", "start", "--pool", POOL, "--type", "process", "--name", WORKER_NAME)
    )


def _watch(children: Children, port: int) -> NoReturn:
    """Watch over the children and ask again for runs that crashed, until told to stop or a child dies."""
    with client_of(port) as client:
        while True:
            with suppress(httpx.HTTPError):  # a server too busy to answer is asked again in a moment
                retry_crashed_runs(client)
            children.watch(RETRY_EVERY_S)


def _take_down(children: Children, port: int) -> None:
    """End the worker with its flow runs, have the server note which, then end the server."""
    try:
        children.end(WORKER)
        if is_healthy(port):
            with suppress(httpx.HTTPError), client_of(port) as client:  # the next start marks them
                mark_lost_runs(client)
    finally:
        children.end(SERVER)


@contextmanager
def only_one() -> Iterator[None]:
    """Refuse a second command on one PREFECT_HOME: each would take the other's runs for lost."""
    home = get_current_settings().home
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / "sawtooth-serve.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        message = f"already serving from {home}; stop that one, or set PREFECT_HOME to another folder"
        raise ServeError(message, exit_code=2) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reports_served(store: Path, port: int, reports_port: int | None) -> Iterator[str]:
    """Serve the reports from a thread, after a look at both ports; give the address."""
    if not PROJECT_FILE.is_file():
        message = f"{PROJECT_FILE} is missing: serve from a checkout installed with `pip install -e .`"
        raise ServeError(message, exit_code=2)
    try:
        wanted = port
        socket.create_server((LOOPBACK, port)).close()
        wanted = port + 1 if reports_port is None else reports_port
        server = ReportsServer(store, wanted)
    except (OSError, OverflowError) as error:
        reason = "it is taken" if getattr(error, "errno", None) == errno.EADDRINUSE else str(error)
        message = f"port {wanted} on {LOOPBACK} cannot be used: {reason}; choose another"
        raise ServeError(message, exit_code=2) from error
    thread = Thread(target=server.serve_forever, name="reports", daemon=True)
    with server:
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()


def _ensure_pool(client: SyncPrefectClient) -> None:
    """Make the work pool where it is missing; one that is there stays as the user left it, paused or not."""
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
