"""Prune: what the store need not keep, shown first, removed when asked."""

from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict, Field

from tasks.published import published
from tasks.verb import in_flow_run, tell, verb
from warehouse.policies import Keep
from warehouse.pruning import plan
from warehouse.pruning import prune as remove
from warehouse.store import store_at

_MEGABYTE = 1_000_000


class Removable(BaseModel):
    """One thing that the policy does not keep."""

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    bytes: int
    why: str


class Pruned(BaseModel):
    """What was removed, or would be."""

    model_config = ConfigDict(frozen=True)

    store: str
    applied: bool = Field(description="Whether it was removed, or only looked at.")
    items: tuple[Removable, ...]
    bytes: int

    def __str__(self) -> str:
        """Return it for people, a line each."""
        what = "removed" if self.applied else "would remove"
        lines = [f"  {one.kind:<9} {one.name:<24} {_size(one.bytes)}  {one.why}" for one in self.items]
        then = "" if self.applied or not self.items else "\nnothing was removed: --apply true does it"
        return "\n".join([f"{what} {len(self.items)} of {self.store}, {_size(self.bytes).strip()}", *lines]) + then


@verb
def prune(keep: Keep, apply: bool, store: str | None) -> Pruned:
    """Remove what a policy does not keep, or only say what that is."""
    where = store_at(store)
    found = remove(where, keep, tell) if apply else plan(where, keep)
    items = tuple(Removable(kind=one.kind, name=one.name, bytes=one.bytes, why=one.why) for one in found)
    pruned = Pruned(store=str(where.root), applied=apply, items=items, bytes=sum(one.bytes for one in items))
    if in_flow_run():
        about = str(pruned).splitlines()[0]
        with published("what was pruned"):
            create_table_artifact(table=[one.model_dump() for one in items], key="pruned", description=about)
    return pruned


def _size(count: int) -> str:
    return f"{count / _MEGABYTE:10,.1f} MB"
