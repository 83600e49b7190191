"""A process that ends with the one that started it, however that one ends.

The one that starts it holds the other end of its standard input: the system closes that when the holder is killed,
too, which no handler of its own could notice.
"""

import os
import signal
from threading import Thread

TIED = "SAWTOOTH_ENDS_WITH_STDIN"
"""Set in the environment of a process that is to end so."""


def end_with_stdin() -> None:
    """End this process as SIGTERM does once its standard input is closed, if the environment asks for that."""
    if os.environ.pop(TIED, None):  # its own children are not meant
        Thread(target=_wait_and_end, name="ends with stdin", daemon=True).start()


def _wait_and_end() -> None:
    while os.read(0, 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
