"""A training in several processes of this machine, one a device, started and watched by torch's own ``torchrun``."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from tempfile import TemporaryFile
from threading import Thread
from typing import IO, Any

from models.curves import CurvePoint
from models.errors import ModelError, TrainingStoppedError
from models.progress import OnProgress, Progress
from tasks.asked import Asked
from tasks.verb import tell

_LOOK_S = 0.5
"""Between two looks whether to stop, while nothing is heard."""
_GRACE_S = 60.0
"""How long the processes may take to end before the one that watches them is killed."""


def train_in_processes(asked: Asked, size: int, must_stop: Callable[[], bool], on_progress: OnProgress) -> None:
    """Train a run as `tasks.train_draft.train_draft` does; they end with this process, however it ends.

    Raises
    ------
    ModelError
        With the words of the first process, or with the last ones of all if it had none; `TrainingStoppedError` if
        it was asked to stop.
    """
    with TemporaryFile() as log, _started(asked, size, log) as process:
        for kind, content in _heard(process, must_stop):
            match kind:
                case "line":
                    tell(content)
                case "progress":
                    points = tuple(CurvePoint(**point) for point in content.pop("points"))
                    on_progress(Progress(**content, points=points))
                case "stopped":
                    raise TrainingStoppedError(content)
                case "error":
                    raise ModelError(content)
        if process.wait() != 0:
            raise ModelError(_last_words(log, process.returncode))


@contextmanager
def _started(asked: Asked, size: int, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the processes; at the end of the block they end, too."""
    words = ["torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", str(size)]
    with subprocess.Popen(
        [sys.executable, "-m", *words, "-m", "tasks.train_worker", asked.model_dump_json()],
        env=_environment(asked.compute.threads or 1),
        stdin=subprocess.PIPE,  # held open for as long as this process lives
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for this process, which asks them to stop
    ) as process:
        try:
            yield process
        finally:
            process.stdin.close()  # type: ignore[union-attr]
            try:
                process.wait(_GRACE_S)
            finally:
                process.kill()


def _environment(threads: int) -> dict[str, str]:
    loopback = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    return {**loopback, **os.environ, "OMP_NUM_THREADS": str(threads)}


def _heard(process: subprocess.Popen[bytes], must_stop: Callable[[], bool]) -> Iterator[tuple[str, Any]]:
    """Yield what the first process says, until the last one has ended; pass on once that they must stop."""
    lines = SimpleQueue[bytes]()
    Thread(target=_listen, args=(process.stdout, lines), name="listens to processes", daemon=True).start()
    is_told = False
    while True:
        try:
            line = lines.get(timeout=_LOOK_S)
        except Empty:
            line = None
        if must_stop() and not is_told:
            is_told = True
            process.stdin.write(b"stop\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        if line == b"":
            return
        if line is not None:
            yield from json.loads(line).items()


def _listen(stdout: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    for line in stdout:
        lines.put(line)
    lines.put(b"")


def _last_words(log: IO[bytes], code: int) -> str:
    log.seek(0)
    lines = log.read().decode("utf-8", errors="replace").splitlines()
    said = [line for line in lines if "Error: " in line and "ChildFailedError" not in line]
    why = f" The last that was said: {said[-1].split(':', 1)[-1].strip()}" if said else ""
    return f"A process of the training ended before its time (exit code {code}); ask again to go on.{why}"
