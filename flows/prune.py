"""The flow that removes what the store need not keep."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.parameters import STORE
from tasks.prune import Pruned
from tasks.prune import prune as prune_store
from warehouse.policies import Keep

APPLY = Field(description="Whether to remove it; else it is only shown.")


@flow(name="prune")
def prune(
    keep: Keep = Keep(),
    apply: Annotated[bool, APPLY] = False,
    store: Annotated[str | None, STORE] = None,
) -> Pruned:
    """Show what of the store a policy does not keep, and remove it if asked: runs, studies, datasets, leftovers.

    Never removed: champions and those before them within the policy, runs of kept studies, datasets of kept runs,
    events, and what another process is making or has asked for lately.

    Args:
        keep: What stays.
        apply: Whether to remove it; else it is only shown.
        store: The store's folder; unset: SAWTOOTH_STORE of the worker, or store/ in the project.
    """
    return prune_store(keep, apply, store)
