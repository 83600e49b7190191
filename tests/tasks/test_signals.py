"""Signals that ask to end: noted while something must be whole, then handed on to whom they were meant for."""

import os
import signal
import subprocess
import sys
from threading import Thread

import pytest

from models.errors import ModelError
from tasks.signals import signals_held


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch):
    """Give a list of the SIGTERMs that reach the handler from before."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


def test_a_signal_is_noted_and_handed_on_at_the_end(heard):
    mine = signal.getsignal(signal.SIGTERM)
    with signals_held() as held:
        assert not held.asked()
        os.kill(os.getpid(), signal.SIGTERM)
        assert held.asked()
        assert heard == []
    assert heard == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) == mine


def test_several_are_handed_on_as_the_first(heard):
    with signals_held():
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGTERM]


def test_ctrl_c_is_a_keyboard_interrupt_afterwards():
    with pytest.raises(KeyboardInterrupt), signals_held():
        os.kill(os.getpid(), signal.SIGINT)


def test_an_error_inside_does_not_swallow_the_signal(heard):
    def fail_when_asked() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise ModelError

    with pytest.raises(ModelError), signals_held():
        fail_when_asked()
    assert heard == [signal.SIGTERM]


def test_without_a_signal_nothing_happens(heard):
    mine = signal.getsignal(signal.SIGTERM)
    with signals_held():
        pass
    assert heard == []
    assert signal.getsignal(signal.SIGTERM) == mine


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_held() as held:
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
            assert not held.asked()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_a_shell_the_process_ends_by_the_signal_once_it_is_whole():
    words = (
        "import os, signal; from tasks.signals import signals_held\n"
        "with signals_held():\n    os.kill(os.getpid(), signal.SIGTERM); print('whole', flush=True)\n"
        "print('never')"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "whole\n")


def test_outside_the_main_thread_none_is_held(heard):
    mine = signal.getsignal(signal.SIGTERM)
    seen = []

    def hold() -> None:
        with signals_held() as held:
            seen.append((signal.getsignal(signal.SIGTERM), held.asked()))

    thread = Thread(target=hold)
    thread.start()
    thread.join()
    assert seen == [(mine, False)]
