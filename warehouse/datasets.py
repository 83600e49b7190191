"""From ingested events to a dataset in the store: asked twice, built once."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse.config import SIZES, Dataset, Extraction, Size
from warehouse.errors import WarehouseError
from warehouse.extract import FlatLog, extract, time_text
from warehouse.fingerprint import code_digest, digest_of, sha256_of
from warehouse.gates import Gate, check
from warehouse.ingest import Ingested, digest_of_batches, manifest_of
from warehouse.snapshot import hashes_of, manifest_hash, open_snapshot, write_arrays
from warehouse.splits import Drawn, draw
from warehouse.store import Store, fresh, publish, told_plainly, write_json
from warehouse.ties import TieEvidence, hash_ties, judge_ties
from warehouse.windows import candidates, collapse_repeats

_CODE = ("extract", "flat", "ties", "windows", "splits", "gates", "snapshot", "datasets")


@dataclass(frozen=True)
class Built:
    """A dataset in the store, and whether it was there before."""

    dataset_id: str
    reused: bool
    manifest: dict[str, Any]


def build(
    store: Store,
    ingested: Ingested,
    size: Size,
    config: Dataset,
    extraction: Extraction,
    tell: Callable[[str], None],
) -> Built:
    """Return the dataset that answers this question, building it if the store has none.

    Raises
    ------
    WarehouseError
        If a gate does not pass, or the stored dataset was altered.
    """
    asked = windows_asked(size, config)
    resolved = config.model_copy(update={"min_item_count": config.min_item_count or ingested.min_item_count})
    code = code_digest(Path(__file__).with_name(f"{name}.py") for name in _CODE)
    settings = resolved.model_dump(mode="json")
    dataset_id = digest_of({"events": ingested.digest, "config": settings, "asked": asked, "code": code})
    folder = store.dataset(dataset_id)
    with store.lock("datasets", dataset_id, tell):
        reused = folder.exists()
        if reused:
            tell(f"dataset {dataset_id} is in the store: nothing of the log, settings or code has changed")
        else:
            work = fresh(store.work("datasets", dataset_id))
            facts = {"dataset_id": dataset_id, "size": size, "code": code, "config": settings, "asked": asked}
            with told_plainly(work):
                _build(store, ingested, resolved, extraction, work, facts)
            publish(work, folder)
    return Built(dataset_id, reused, open_snapshot(folder).manifest)


def windows_asked(size: Size, config: Dataset) -> dict[str, int]:
    """Return how many windows of each split are wanted: the size's, unless set apart."""
    train, validation, test = SIZES[size]
    return {
        "train": config.train_windows or train,
        "validation": config.validation_windows or validation,
        "test": config.test_windows or test,
    }


def _build(
    store: Store,
    ingested: Ingested,
    config: Dataset,
    extraction: Extraction,
    work: Path,
    facts: dict[str, Any],
) -> None:
    """Make a dataset in the work folder: extract, order, cut, draw, check, write."""
    if config.session_gap_minutes is not None and ingested.time_kind == "order":
        message = "session_gap_minutes needs times; this log has a plain order"
        raise WarehouseError(message)
    batches = _whole_batches(store, ingested)
    scratch = fresh(store.work("scratch", facts["dataset_id"]))
    try:
        log = extract(batches, ingested.time_kind, config, extraction, scratch)
        ties = judge_ties(log, config.ties)
        if ties.choice == "hash":
            hash_ties(log, config.seed)
        if config.collapse_repeats:
            log = collapse_repeats(log)
        windows = candidates(log, config, scratch)
        drawn = draw(log, windows, config, facts["asked"])
        gates = check(log, drawn, ties, config)
        counts = write_arrays(work, log, windows, drawn)
        manifest = {**facts, **_told(ingested, log, drawn, ties, gates, counts), "hashes": hashes_of(work)}
        write_json(work / "manifest.json", {**manifest, "hash": manifest_hash(manifest)})
    finally:
        fresh(scratch).rmdir()


def _whole_batches(store: Store, ingested: Ingested) -> list[Path]:
    """Return the folders of the source's batches, each still as it was ingested.

    Raises
    ------
    WarehouseError
        If one is missing or altered, or others were ingested meanwhile.
    """
    folder = store.events(ingested.source)
    known = manifest_of(folder)["batches"]
    if digest_of_batches(known) != ingested.digest:
        message = f"the events of {ingested.source} are not those that were ingested for this dataset; ask again"
        raise WarehouseError(message)
    batches = []
    for batch in known:
        path = folder / batch["batch"]
        events = path / "events.parquet"
        if not events.is_file() or sha256_of(events) != batch["events_sha256"]:
            message = f"{events} is missing or was altered; remove {path} and ingest {batch['path']} again"
            raise WarehouseError(message)
        batches.append(path)
    return batches


def _told(
    ingested: Ingested,
    log: FlatLog,
    drawn: Drawn,
    ties: TieEvidence,
    gates: list[Gate],
    counts: dict[str, Any],
) -> dict[str, Any]:
    """Return what a manifest says beside the question and the files."""
    kind = ingested.time_kind
    return {
        "source": ingested.source,
        "title": ingested.title,
        "time_kind": kind,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "events_digest": ingested.digest,
        "ingest": {key: value for key, value in asdict(ingested).items() if key not in {"said", "digest"}},
        "counts": {
            **counts,
            "events_in_log": log.events_in_log,
            "windows_in_log": sum(drawn.candidates.values()),
        },
        "candidates": drawn.candidates,
        "unknown_targets": drawn.unknown_targets,
        "cuts": {
            "t1": time_text(log.cuts.train_until, kind),
            "t2": time_text(log.cuts.validation_until, kind),
        },
        "ties": ties.as_dict(),
        "gates": [gate.as_dict() for gate in gates],
    }
