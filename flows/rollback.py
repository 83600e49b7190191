"""The flow that puts an earlier champion back."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.parameters import SIZE, SOURCE_NAME, STORE
from tasks.champions import Champions, put_back
from warehouse.config import Size

TO = Field(description="The run to put back, a champion once; unset: the champion before.")


@flow(name="rollback")
def rollback(
    size: Annotated[Size, SIZE] = "250k",
    source: Annotated[str | None, SOURCE_NAME] = None,
    to: Annotated[str | None, TO] = None,
    store: Annotated[str | None, STORE] = None,
) -> Champions:
    """Make an earlier champion the champion again, until a later night's run takes its place.

    Args:
        size: Of the champion.
        source: Its name in the store; unset: the only one that has a champion of this size.
        to: The run to put back, a champion once; unset: the champion before.
        store: The store's folder; unset: SAWTOOTH_STORE of the worker, or store/ in the project.
    """
    return put_back(size, source, to, store)
