"""What a task is here: a Prefect task inside a flow run, its plain function anywhere else."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

from prefect import Task, get_run_logger
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

P = ParamSpec("P")
R = TypeVar("R")


class Verb(Task[P, R]):
    """A task that also runs without a server, so that a flow's own function is all a shell needs."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[override]
        """Run it: through Prefect inside a flow run, as a plain call outside."""
        if in_flow_run():
            return super().__call__(*args, **kwargs)
        return self.fn(*args, **kwargs)


def verb(function: Callable[P, R]) -> Verb[P, R]:
    """Make a task of a function. Nothing is cached by Prefect: the store answers what was asked before."""
    return Verb(function, name=function.__name__.replace("_", " "), cache_policy=NO_CACHE)


def in_flow_run() -> bool:
    """Return whether there is a flow run, and so a server, to publish to."""
    return FlowRunContext.get() is not None


def tell(line: str) -> None:
    """Log a line where the user looks: the run's log in Prefect, standard error in a shell."""
    _log().info(line)


def tell_last(line: str) -> None:
    """Log a line and see it off: Prefect sends logs every two seconds, a process ended by a signal sends none."""
    log = _log()
    log.info(line)
    named: logging.Logger | None = log.logger if isinstance(log, logging.LoggerAdapter) else log
    while named is not None:
        for handler in named.handlers:
            with suppress(ValueError, OSError):  # its stream is closed: the end must not fail for that
                handler.flush()
        named = named.parent if named.propagate else None


def _log() -> "logging.Logger | logging.LoggerAdapter[logging.Logger]":
    return get_run_logger() if in_flow_run() else logging.getLogger("sawtooth")
