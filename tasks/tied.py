"""A process that ends with the one that started it, however that one ends.

The one that starts it holds the other end of its standard input: the system closes that when the holder is killed,
too, which no handler of its own could notice.
"""

import os
import signal
from collections.abc import Callable
from threading import Event, Thread

TIED = "SAWTOOTH_ENDS_WITH_STDIN"
"""Set in the environment of a process that is to end so."""


def end_with_stdin() -> None:
    """End this process as SIGTERM does once its standard input is closed, if the environment asks for that."""
    if os.environ.pop(TIED, None):  # its own children are not meant
        Thread(target=_wait_and_end, name="ends with stdin", daemon=True).start()


def asked_by_stdin() -> Callable[[], bool]:
    """End this process as `end_with_stdin` does; return what says whether a word has come there before: stop soon."""
    asked = Event()
    Thread(target=_wait_and_end, args=(asked.set,), name="ends with stdin", daemon=True).start()
    return asked.is_set


def _wait_and_end(heard: Callable[[], None] = lambda: None) -> None:
    while os.read(0, 1024):
        heard()
    os.kill(os.getpid(), signal.SIGTERM)
