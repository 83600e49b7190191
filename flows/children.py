"""The processes of a foreground command: started, watched, and ended with all that they started."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

POLL_S = 0.2
GRACE_S = 15.0
"""How long a child may take to end before it is killed."""


class ServeError(Exception):
    """Serving could not start, or could not go on."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        """2 where nothing was started because the request cannot be met, 1 for what went wrong later."""


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

    def watch(self, duration_s: float) -> None:
        """Let some time pass, watching; raise as `wait` does."""
        until = time.monotonic() + duration_s
        while time.monotonic() < until:
            self.wait()

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
