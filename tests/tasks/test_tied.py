"""A process that is tied ends when the one that holds its standard input does."""

import os
import signal
import subprocess
import sys

from tasks.tied import TIED

WAITS = "from tasks.tied import end_with_stdin; end_with_stdin(); import threading; threading.Event().wait()"


def started(**environment):
    return subprocess.Popen(
        [sys.executable, "-c", WAITS], stdin=subprocess.PIPE, env={**os.environ, **environment}
    )  # fmt: skip


def test_it_ends_when_its_standard_input_is_closed():
    process = started(**{TIED: "1"})
    process.stdin.close()
    assert process.wait(60) == -signal.SIGTERM


def test_it_ends_when_the_holder_is_killed():
    holds = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {WAITS!r}], stdin=subprocess.PIPE)"
    holds += "; print(p.pid, flush=True); p.wait()"
    holder = subprocess.Popen(
        [sys.executable, "-c", holds], stdout=subprocess.PIPE, env={**os.environ, TIED: "1"}
    )  # fmt: skip
    assert holder.stdout.readline().strip().isdigit()
    holder.kill()
    assert holder.stdout.read() == b""  # closed by the last that had it: the tied process is gone, too
    holder.wait()
    holder.stdout.close()


def test_what_is_not_asked_for_does_not_happen():
    said = "from tasks.tied import end_with_stdin; end_with_stdin(); import threading; print(threading.active_count())"
    done = subprocess.run([sys.executable, "-c", said], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert done.stdout.strip() == b"1"


def test_a_child_of_its_own_is_not_tied():
    said = f"import os; from tasks.tied import end_with_stdin; end_with_stdin(); print({TIED!r} in os.environ)"
    process = subprocess.Popen(
        [sys.executable, "-c", said], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, TIED: "1"}
    )
    with process:  # which closes its input at the end only
        assert process.stdout.read().strip() == b"False"
