"""Raw files to events: incremental by content, idempotent, whole or not at all."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.config import Extraction
from warehouse.duck import connected, file_text, translated
from warehouse.errors import WarehouseError
from warehouse.fingerprint import code_digest, digest_of, sha256_of
from warehouse.reading import malformed_lines, parse
from warehouse.sources import Log, files_of
from warehouse.store import Store, fresh, publish, read_json, told_plainly, write_json

Tell = Callable[[str], None]

EVENTS = pa.schema({"user": "string", "item": "string", "moment": "int64", "event_type": "string", "row": "int64"})
QUARANTINE = pa.schema({"reason": "string", "place": "string", "number": "int64", "raw": "string"})
_WORDS = ["user", "item", "event_type"]
_NUMBERS = {"moment": "DELTA_BINARY_PACKED", "row": "DELTA_BINARY_PACKED"}


@dataclass(frozen=True)
class Ingested:
    """What an ingest found and did, and a digest of the events as they now stand."""

    source: str
    title: str
    time_kind: str
    digest: str
    files: int
    new_files: int
    rows: int
    events: int
    filtered: int
    quarantined: dict[str, int]
    said: list[str]
    min_item_count: int


def ingest(store: Store, log: Log, extraction: Extraction, tell: Tell, now_us: int | None = None) -> Ingested:
    """Load the files of a source that were not loaded before, and publish all of them or none.

    A file is known by its content and by how it is read, not by its name or date.

    Raises
    ------
    WarehouseError
        If a file cannot be read, or a larger share of the new rows is bad than the source allows.
    """
    with store.lock("events", log.name, tell):
        folder, work = store.events(log.name), fresh(store.work("events", log.name))
        before = manifest_of(folder)["batches"]
        now = _now_us() if now_us is None else now_us
        try:
            batches = [_batch(folder, work, log, path, extraction, now) for path in files_of(log)]
            new = [batch for batch in batches if batch["batch"] not in {known["batch"] for known in before}]
            said = _changes(log, before, batches, new)
            _refuse_bad(log, new)
            after = _merged(log, before, batches)
            if after != before:
                _publish(folder, work, log, after)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    for line in said:
        tell(line)
    return _summary(log, after, new, said)


def manifest_of(folder: Path) -> dict[str, Any]:
    """Return a source's manifest: its batches in the order of their events' places, and how times read."""
    path = folder / "manifest.json"
    return read_json(path) if path.exists() else {"batches": []}


def digest_of_batches(batches: list[dict[str, Any]]) -> str:
    """Return a digest of the events that some batches hold together."""
    return digest_of([batch["batch"] for batch in batches])


def _batch(folder: Path, work: Path, log: Log, path: Path, extraction: Extraction, now_us: int) -> dict[str, Any]:
    """Return a file's batch: the one in the store or in the work folder if its content is known, else a new one."""
    sha256 = sha256_of(path)
    code = code_digest([Path(__file__).with_name("reading.py")])
    batch = digest_of([sha256, log.reading(), code])
    for known in (folder / batch / "batch.json", work / batch / "batch.json"):
        if known.exists():
            return {**read_json(known), "path": str(path)}
    made = fresh(work / batch)
    counts = _load(made, path, log, extraction, now_us)
    details = {"batch": batch, "path": str(path), "sha256": sha256, "bytes": path.stat().st_size,
               "reading": log.reading(), "ingested_at": datetime.now(UTC).isoformat(), **counts}  # fmt: skip
    if sha256_of(path) != sha256:
        message = f"{path} changed while it was read; nothing of it is kept. Ask again when it is complete"
        raise WarehouseError(message)
    write_json(made / "batch.json", details)
    return details


def _load(work: Path, path: Path, log: Log, extraction: Extraction, now_us: int) -> dict[str, Any]:
    """Parse one file and part its events from its bad rows. Returns the counts."""
    events, quarantine = work / "events.parquet", work / "quarantine.parquet"
    with told_plainly(work), translated(str(path)), connected(extraction, work / "spill") as connection:
        rows = _part(connection, parse(connection, path, log, now_us), events, quarantine)
        rejected = dict(
            connection.execute(
                f"SELECT reason, count(*) FROM read_parquet({file_text(quarantine)}) GROUP BY 1 ORDER BY 1"
            ).fetchall()
        )
        kept, *span = connection.execute(
            f"SELECT count(*), min(moment), max(moment) FROM read_parquet({file_text(events)})"
        ).fetchall()[0]
    (work / "spill").rmdir() if (work / "spill").exists() else None
    return {"events": kept, "filtered": rows - kept - sum(rejected.values()), "rejected": rejected, "rows": rows,
            "first_at": span[0], "last_at": span[1], "events_sha256": sha256_of(events)}  # fmt: skip


def _part(
    connection: duckdb.DuckDBPyConnection, parsed: Iterator[pa.RecordBatch], events: Path, quarantine: Path
) -> int:
    """Write the good rows as events and the bad ones, with reason and place, as quarantine. Returns how many came."""
    rows = 0
    with (
        pq.ParquetWriter(events, EVENTS, use_dictionary=_WORDS, column_encoding=_NUMBERS) as good,
        pq.ParquetWriter(quarantine, QUARANTINE) as bad,
    ):
        for batch in parsed:
            rows += len(batch)
            is_event = pc.is_null(batch["reason"])
            good.write_batch(batch.filter(is_event).select(EVENTS.names))
            if batch["reason"].null_count < len(batch):
                bad.write_batch(_rejected(batch.filter(pc.not_equal(batch["reason"], "filtered"))))
        malformed = malformed_lines(connection)
        if malformed:
            bad.write_batch(_malformed(malformed))
    return rows + len(malformed)


def _rejected(batch: pa.RecordBatch) -> pa.RecordBatch:
    places = pa.repeat("row", len(batch))
    return pa.record_batch([batch["reason"], places, batch["row"], batch["raw"]], schema=QUARANTINE)


def _malformed(lines: list[tuple[int, str, str]]) -> pa.RecordBatch:
    numbers, details = [line for line, _, _ in lines], [f"{detail}: {start}" for _, detail, start in lines]
    words = [pa.repeat(word, len(lines)) for word in ("malformed line", "line")]
    return pa.record_batch([*words, pa.array(numbers, pa.int64()), pa.array(details)], schema=QUARANTINE)


def _refuse_bad(log: Log, new: list[dict[str, Any]]) -> None:
    """Stop where too many of the new rows are bad, or none of a file's rows is an event."""
    for batch in new:
        if batch["events"] == 0:
            message = f"{batch['path']} holds no usable event: {_reasons(batch) or 'it has no rows'}"
            raise WarehouseError(message)
    read = sum(batch["rows"] - batch["filtered"] for batch in new)
    bad = sum(sum(batch["rejected"].values()) for batch in new)
    if read and bad / read > log.max_rejected:
        worst = max(new, key=lambda batch: sum(batch["rejected"].values()))
        message = (
            f"{bad} of {read} new rows are bad ({bad / read:.1%}, allowed {log.max_rejected:.1%}), nothing was loaded."
            f" Most in {worst['path']}: {_reasons(worst)}. Mend the log or raise --source.max-rejected"
        )
        raise WarehouseError(message)


def _reasons(batch: dict[str, Any]) -> str:
    counts = {**batch["rejected"], **({"filtered out": batch["filtered"]} if batch["filtered"] else {})}
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _changes(log: Log, before: list[dict[str, Any]], now: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    """Say what is new, what changed, and what is gone since the last ingest."""
    earlier = {batch["path"]: batch for batch in before}
    said = []
    for batch in new:
        old = earlier.get(batch["path"])
        if old is None:
            said.append(f"{batch['path']}: new, {batch['events']:,} events")
        else:
            what = "is read in another way" if old["sha256"] == batch["sha256"] else "changed"
            said.append(
                f"{batch['path']}: {what} since {old['ingested_at']}; its {batch['events']:,} events replace it"
            )
    gone = set(earlier) - {batch["path"] for batch in now}
    if gone:
        said.append(f"{len(gone)} earlier file(s) of {log.name} are no longer there; their events are kept")
    return said or [f"{log.name}: nothing new"]


def _merged(log: Log, before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the batches that make up the source from now on, sorted by path; the same content counts once."""
    replaced = {batch["path"] for batch in now}
    kept = [batch for batch in before if batch["path"] not in replaced]
    if any(batch["reading"] != log.reading() for batch in kept):
        message = (
            f"{len(kept)} earlier file(s) of {log.name!r} are gone and were read with other settings;"
            " bring them back, or give the source another --source.name"
        )
        raise WarehouseError(message)
    unique = {batch["batch"]: batch for batch in sorted([*kept, *now], key=lambda batch: batch["path"], reverse=True)}
    return sorted(unique.values(), key=lambda batch: batch["path"])


def _publish(folder: Path, work: Path, log: Log, after: list[dict[str, Any]]) -> None:
    """Move the new batches in, then make them count by replacing the one manifest."""
    for made in sorted(work.iterdir()):
        publish(made, folder / made.name)
    manifest = {"source": log.name, "title": log.title, "time_kind": log.time_kind, "batches": after}
    write_json(folder / "manifest.json", manifest)


def _summary(log: Log, after: list[dict[str, Any]], new: list[dict[str, Any]], said: list[str]) -> Ingested:
    reasons = sorted({reason for batch in after for reason in batch["rejected"]})
    return Ingested(
        source=log.name,
        title=log.title,
        time_kind=log.time_kind,
        digest=digest_of_batches(after),
        files=len(after),
        new_files=len(new),
        rows=sum(batch["rows"] for batch in after),
        events=sum(batch["events"] for batch in after),
        filtered=sum(batch["filtered"] for batch in after),
        quarantined={reason: sum(batch["rejected"].get(reason, 0) for batch in after) for reason in reasons},
        said=said,
        min_item_count=log.min_item_count,
    )


def _now_us() -> int:
    return time.time_ns() // 1_000
