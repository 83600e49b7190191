"""One command for one machine: Prefect's server and UI, the deployments, a worker, and the runs' reports.

Everything listens on 127.0.0.1 only and lives as long as the command. Children run in sessions of their own,
so that Ctrl-C reaches this process alone, which ends them in order: first the worker with its flow runs, while
there is still a server to write down what became of them.
"""

import errno
import http
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import IO

from filelock import FileLock, Timeout
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Crashed
from prefect.workers.process import ProcessWorker

from flows.reports_server import LOOPBACK, ReportsServer
from warehouse.config import store_root

POOL = "sawtooth"
WORKER_NAME = "sawtooth-serve"
SERVER = "Prefect server"
WORKER = "worker"
PROJECT_FILE = Path(__file__).parent.parent / "prefect.yaml"
START_TIMEOUT_S = 120.0
POLL_S = 0.2
GRACE_S = 15.0
"""How long a child may take to end before it is killed."""


class ServeError(Exception):
    """Serving could not start, or could not go on."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        """2 where nothing was started because the request cannot be met, 1 for what went wrong later."""


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
            while True:
                children.wait()
        except StopAskedError:
            tell("Stopping ...")
        finally:
            _take_down(children, port)
    tell("Stopped. The history is kept for the next start.")


def _bring_up(children: "Children", port: int, tell: Callable[[str], None]) -> None:
    """Start server, pool, deployments and worker, each when the one before is ready."""
    tell("Starting the Prefect server (5 to 30 seconds) ...")
    children.start(
        SERVER, prefect_command("server", "start", "--host", LOOPBACK, "--port", str(port)), log=server_log()
    )
    _wait_until_healthy(children, port)
    with SyncPrefectClient(api=_api_url(port)) as client:
        _ensure_pool(client)
        mark_lost_runs(client)
    tell(f"Deploying {PROJECT_FILE.name} ...")
    children.run(
        "prefect deploy", prefect_command("--no-prompt", "deploy", "--all", "--prefect-file", str(PROJECT_FILE))
    )
    children.start(
        WORKER, prefect_command("worker", "start", "--pool", POOL, "--type", "process", "--name", WORKER_NAME)
    )


def _take_down(children: "Children", port: int) -> None:
    """End the worker with its flow runs, have the server note which, then end the server."""
    try:
        children.end(WORKER)
        if _is_healthy(port):
            with SyncPrefectClient(api=_api_url(port)) as client:
                mark_lost_runs(client)
    finally:
        children.end(SERVER)


def prefect_command(*arguments: str) -> list[str]:
    """Return a command of this environment's Prefect, whatever is on the PATH."""
    return [sys.executable, "-m", "prefect", *arguments]


def server_log() -> Path:
    """Return where the server's log of the last start is; the terminal is left to the flow runs."""
    return get_current_settings().home / "sawtooth-serve.log"


def _api_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/api"


def environment(port: int, store: Path, reports_url: str) -> dict[str, str]:
    """Return the children's environment. What is set here wins over the user's own Prefect profile."""
    own_names = f"{LOOPBACK},localhost"
    proxied = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    bypass = f"{proxied},{own_names}" if proxied else own_names
    return {
        **os.environ,
        "no_proxy": bypass,
        "NO_PROXY": bypass,
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_URL": _api_url(port),
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


class StopAskedError(Exception):
    """Ctrl-C or SIGTERM: not a failure."""


@dataclass
class Asked:
    """Whether a signal asked to stop. A plain flag: a handler may interrupt anything, so it takes no lock."""

    stop: bool = False


@contextmanager
def signals_noted() -> Iterator[Asked]:
    """Note SIGINT, SIGTERM and SIGHUP instead of acting on them.

    A shell starts background commands with SIGINT ignored, children inherit that, and a worker that ignores
    SIGINT never ends. A handler gives the children the default back: exec resets what is caught, not what is
    ignored.
    """
    asked = Asked()

    def note(_number: int, _frame: object) -> None:
        asked.stop = True

    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup stays nohup
        wanted.append(signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in wanted}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Children:
    """The processes of this command, each the leader of its own session and group."""

    environment: Mapping[str, str]
    asked: Asked
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    logs: dict[str, Path | None] = field(default_factory=dict)

    def start(self, name: str, command: list[str], log: Path | None = None) -> None:
        """Start a command that is to stay; without a log file, what it logs to stderr goes to the terminal."""
        with nullcontext() if log is None else log.open("wb") as file:
            output = subprocess.DEVNULL if file is None else file
            self.running[name] = self._spawn(command, stdout=output, stderr=file)
        self.logs[name] = log

    def run(self, name: str, command: list[str]) -> None:
        """Run a command to its end; raise with its last words if it fails."""
        with TemporaryFile() as output:
            process = self._spawn(command, stdout=output, stderr=output)
            try:
                while process.poll() is None:
                    self.wait()
            finally:
                end(process)
            if process.returncode != 0:
                output.seek(0)
                words = output.read().decode(errors="replace").strip()[-2000:]
                message = f"{name} failed ({_exit_of(process)}). It said:\n{words}"
                raise ServeError(message)

    def wait(self) -> None:
        """Let a moment pass; raise if a stop was asked for or a child died."""
        if self.asked.stop:
            raise StopAskedError
        for name, process in self.running.items():
            if process.poll() is not None:
                log = self.logs[name]
                where = f"; its log is {log}" if log else ""
                message = f"the {name} ended by itself ({_exit_of(process)}), so everything was stopped{where}"
                raise ServeError(message)
        time.sleep(POLL_S)

    def end(self, name: str) -> None:
        """End a child, if it was started."""
        if process := self.running.pop(name, None):
            end(process)

    def _spawn(self, command: list[str], stdout: int | IO[bytes], stderr: IO[bytes] | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,  # so that Prefect asks nothing
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child: ask its group, wait, then kill what is left of the group."""
    with suppress(ProcessLookupError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _exit_of(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _wait_until_healthy(children: Children, port: int) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _is_healthy(port):
        if time.monotonic() > deadline:
            message = f"the Prefect server did not answer on port {port} within {START_TIMEOUT_S:.0f} s"
            raise ServeError(message)
        children.wait()


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ensure_pool(client: SyncPrefectClient) -> None:
    """Make the work pool where it is missing; one that is there stays as the user left it, paused or not."""
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))


def mark_lost_runs(client: SyncPrefectClient) -> None:
    """Mark as crashed what this command's worker was running when it ended.

    Nobody else does: such a run says Running for ever and holds the only slot of its deployment, so that every
    later night is cancelled. Called only while the worker is not there. Runs of other workers are left alone.
    A worker that ends takes its runs' processes along; one that was killed leaves them, so they are ended here.
    """
    unfinished = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=unfinished)),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL])),
    )
    for run in runs:
        # A run whose worker died while submitting it has no label yet.
        if run.labels.get("prefect.worker.name", WORKER_NAME) == WORKER_NAME:
            _end_orphan(run)
            client.set_flow_run_state(
                run.id, Crashed(message="Serving ended while this ran; a retry goes on from its checkpoint.")
            )


def _end_orphan(run: FlowRun) -> None:
    """Kill the group of a run's process, if it is there and surely that run's: numbers of processes come again."""
    try:
        pid = int(run.infrastructure_pid or "")
        surely = f"PREFECT__FLOW_RUN_ID={run.id}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except (ValueError, OSError):  # no number, no such process, not ours, or a system without /proc
        return
    if surely:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
