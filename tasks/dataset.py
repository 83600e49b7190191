"""Build dataset: events to an immutable snapshot of windows."""

from tasks.verb import tell, verb
from warehouse.config import Dataset, Extraction, Size
from warehouse.datasets import Built, build
from warehouse.ingest import Ingested
from warehouse.pruning import noted_use
from warehouse.store import store_at


@verb
def build_dataset(ingested: Ingested, size: Size, dataset: Dataset, extraction: Extraction, store: str | None) -> Built:
    """Cut the windows of a size, or find them in the store."""
    where = store_at(store)
    built = build(where, ingested, size, dataset, extraction, tell)
    noted_use(where.dataset(built.dataset_id))
    counts = built.manifest["counts"]
    windows = counts["windows"]
    tell(
        f"dataset {built.dataset_id}: {windows['train']:,} train, {windows['validation']:,} validation,"
        f" {windows['test']:,} test windows over {counts['items']:,} items"
    )
    tell(f"ties: {built.manifest['ties']['reason']}")
    return built
