"""Ingest: raw files to events in the store."""

from tasks.verb import tell, verb
from warehouse.config import Extraction, Source
from warehouse.ingest import Ingested
from warehouse.ingest import ingest as ingest_log
from warehouse.leftovers import remove_leftovers
from warehouse.raw import ensure_log
from warehouse.sources import resolve
from warehouse.store import store_at


@verb
def ingest(source: Source, extraction: Extraction, store: str | None) -> Ingested:
    """Load what is new of a source, and say what was found."""
    where = store_at(store)
    for folder in remove_leftovers(where):
        tell(f"removed what a crash left: {folder}")
    if source.preset == "synthetic":
        source = ensure_log(where, source, tell)
    ingested = ingest_log(where, resolve(source), extraction, tell)
    tell(f"{ingested.source}: {ingested.events:,} events of {ingested.rows:,} rows, {ingested.filtered:,} filtered out")
    for reason, count in ingested.quarantined.items():
        tell(f"{ingested.source}: {count:,} rows in quarantine: {reason}")
    return ingested
