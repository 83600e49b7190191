"""The flow that shows which run stands for each source and size."""

from typing import Annotated

from prefect import flow

from flows.parameters import STORE
from tasks.champions import Champions, show_champions


@flow(name="champions")
def champions(store: Annotated[str | None, STORE] = None) -> Champions:
    """Show the champion of every source and size, and all that was decided, the newest first.

    Args:
        store: The store's folder; unset: SAWTOOTH_STORE of the worker, or store/ in the project.
    """
    return show_champions(store)
