"""Signals that ask a process to end, held while it does what must be whole, then handed on."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_ASK_TO_END = ("SIGTERM", "SIGINT", "SIGHUP")  # the last is not known everywhere


@dataclass
class Held:
    """The signal that came, if one did. A plain attribute: a handler may interrupt anything, so it takes no lock."""

    number: int | None = None

    def asked(self) -> bool:
        """Return whether to end as soon as everything is whole."""
        return self.number is not None


@contextmanager
def signals_held() -> Iterator[Held]:
    """Note SIGTERM, Ctrl-C and SIGHUP while the block runs; at its end give the first to whom it was meant for.

    That is Prefect's handler in a flow run, where a cancel is a SIGTERM, and in a shell the system's, which ends the
    process. A signal that is ignored stays ignored. Outside the main thread, where Python lets nobody handle
    signals, none is held.
    """
    held = Held()

    def note(number: int, _frame: object) -> None:
        held.number = held.number or number

    before = {number: signal.signal(number, note) for number in _handled()}
    try:
        yield held
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held.number is not None:
            signal.raise_signal(held.number)


def _handled() -> list[signal.Signals]:
    if threading.current_thread() is not threading.main_thread():
        return []
    numbers = [getattr(signal, name) for name in _ASK_TO_END if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) not in {signal.SIG_IGN, None}]
