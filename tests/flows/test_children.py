"""The supervisor's children: who died is noticed, the stubborn are ended, and nobody is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import children as supervision
from flows.children import Asked, Children, ServeError, StopAskedError, signals_noted

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


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


def test_watching_takes_its_time_and_notices_a_death() -> None:
    children = Children(os.environ, Asked())
    children.watch(0.1)
    children.start("oracle", SLEEPER)
    children.running["oracle"].kill()
    with pytest.raises(ServeError, match="oracle ended by itself"):
        children.watch(10)


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
    monkeypatch.setattr(supervision, "GRACE_S", 0.2)
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


def until_raised(children: Children, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        children.wait()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
