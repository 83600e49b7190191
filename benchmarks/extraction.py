"""Seconds and memory from a raw log to opened windows, beside what a user would write instead.

    python benchmarks/extraction.py                                              # all kinds, three rounds, in turns
    python benchmarks/extraction.py --events 65000000 --memory-mb 1000 --rounds 1 --kinds sawtooth by_sort

Each measurement is a process of its own, so that its peak memory is its own; they take turns. `cpu_s` counts all
threads: beside other work it says more than seconds do.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from warehouse.config import Columns, Dataset, Extraction, Source, Split, Synthetic
from warehouse.datasets import build
from warehouse.duck import connected
from warehouse.ingest import Ingested, ingest
from warehouse.snapshot import open_snapshot
from warehouse.sources import resolve
from warehouse.store import Store
from warehouse.synthetic import generate

Found = dict[str, float]
CUTS = ("0.845", "0.995")
"""Where a log of 6.5 million events is cut into 5.34 million windows for training and 0.96 for validation."""


def sawtooth(log: Path, folder: Path, extraction: Extraction) -> Found:
    """Ingest, cut the 5.5M / 1M windows, and open them."""
    store, started = Store(folder), time.perf_counter()
    ingested = _ingested(store, log, extraction)
    read = time.perf_counter()
    config = Dataset(split=Split(train_until=CUTS[0], validation_until=CUTS[1]), allow_fewer=True)
    built = build(store, ingested, "5.5m", config, extraction, _silent)
    cut = time.perf_counter()
    windows = open_snapshot(store.dataset(built.dataset_id)).manifest["counts"]["windows"]
    opened = time.perf_counter()
    return {"ingest_s": read - started, "dataset_s": cut - read, "open_s": opened - cut, "total_s": opened - started,
            "windows": sum(windows.values())}  # fmt: skip


def ingest_csv(log: Path, folder: Path, extraction: Extraction) -> Found:
    """Ingest the same log as CSV."""
    text = log.with_suffix(".csv")
    if not text.exists():
        duckdb.sql(f"COPY (FROM '{log}') TO '{text}'")
    started, before = time.perf_counter(), time.process_time()
    ingested = _ingested(Store(folder), text, extraction)
    taken = time.perf_counter() - started
    return {"total_s": taken, "rows_a_s": ingested.rows / taken, "rows_a_cpu_s": ingested.rows / _cpu_since(before)}


def ingest_parquet(log: Path, folder: Path, extraction: Extraction) -> Found:
    """Ingest the log as it is."""
    started, before = time.perf_counter(), time.process_time()
    ingested = _ingested(Store(folder), log, extraction)
    taken = time.perf_counter() - started
    return {"total_s": taken, "rows_a_s": ingested.rows / taken, "rows_a_cpu_s": ingested.rows / _cpu_since(before)}


def by_sort(log: Path, folder: Path, extraction: Extraction) -> Found:
    """Code and sort in DuckDB, keep flat items and the positions of targets; windows are cut a batch at a time.

    The fastest that was found for the windows alone: no store of events, no quarantine, no hashes, no gates, no draw,
    no order of ties but the file's, nothing synced.
    """
    started = time.perf_counter()
    with connected(extraction, folder / "spill") as connection:
        connection.execute(f"""CREATE TEMP VIEW log AS
            SELECT user, item, time, file_row_number AS row FROM read_parquet('{log}', file_row_number=true)""")
        for name in ("user", "item"):
            connection.execute(f"""CREATE TEMP TABLE {name}s AS SELECT {name},
                (row_number() OVER (ORDER BY {name}) - 1)::INTEGER AS code FROM (SELECT DISTINCT {name} FROM log)""")
        ordered = connection.sql("""SELECT items.code AS item, users.code AS user, epoch_us(time) AS time
            FROM log JOIN items USING (item) JOIN users USING (user) ORDER BY users.code, log.time, row""")
        with (folder / "items").open("wb") as items, (folder / "users").open("wb") as users, \
                (folder / "times").open("wb") as times:  # fmt: skip
            for batch in ordered.to_arrow_reader(1_000_000):
                for file, column in zip((items, users, times), batch.columns, strict=True):
                    file.write(column.to_numpy().data)
    users, times = np.memmap(folder / "users", np.int32, "r"), np.memmap(folder / "times", np.int64, "r")
    positions = np.flatnonzero(users[1:] == users[:-1]) + 1
    at = times[positions]
    cuts = np.quantile(at, [float(cut) for cut in CUTS])
    np.save(folder / "train.npy", positions[at < cuts[0]])
    np.save(folder / "validation.npy", positions[(at >= cuts[0]) & (at < cuts[1])])
    return {"total_s": time.perf_counter() - started, "windows": len(positions)}


def by_shifts(log: Path, folder: Path, extraction: Extraction) -> Found:  # noqa: ARG001 (Polars keeps to no limit)
    """Cut windows with ten shifts over users, as Polars users do, and write them."""
    started = time.perf_counter()
    frame = pl.read_parquet(log).sort("user", "time", maintain_order=True)
    frame = frame.with_columns(pl.col("item").cast(pl.Categorical).to_physical().cast(pl.Int32))
    shifts = [pl.col("item").shift(back).over("user").alias(f"item_{back}") for back in range(1, 11)]
    windows = frame.select("time", pl.col("item").alias("target"), *shifts).filter(pl.col("item_1").is_not_null())
    windows.write_parquet(folder / "windows.parquet")
    return {"total_s": time.perf_counter() - started, "windows": len(windows)}


KINDS: dict[str, Callable[[Path, Path, Extraction], Found]] = {
    kind.__name__: kind for kind in (sawtooth, by_sort, by_shifts, ingest_parquet, ingest_csv)
}


def _ingested(store: Store, log: Path, extraction: Extraction) -> Ingested:
    columns = Columns(user="user", item="item", time="time")
    return ingest(store, resolve(Source(preset="custom", path=str(log), columns=columns)), extraction, _silent)


def _silent(_: str) -> None:
    """Say nothing."""


def _cpu_since(before: float) -> float:
    return time.process_time() - before


def measured(kind: str, log: Path, memory_mb: int) -> Found:
    """Run one kind in a process of its own, in a folder that is removed."""
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        command = [sys.executable, __file__, "--one", kind, str(log), folder, "--memory-mb", str(memory_mb)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def one(kind: str, log: Path, folder: Path, extraction: Extraction) -> Found:
    """Run one kind here."""
    before = time.process_time()
    found = KINDS[kind](log, folder, extraction)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {**found, "cpu_s": _cpu_since(before), "peak_mb": peak_mb}


def main() -> None:
    """Measure the kinds in turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=3, metavar=("KIND", "LOG", "FOLDER"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--events", type=int, default=6_500_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--memory-mb", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the log and all that is made of it goes; it stays there")
    said = parser.parse_args()
    if said.one:
        kind, log, folder = said.one
        print(json.dumps(one(kind, Path(log), Path(folder), Extraction(memory_mb=said.memory_mb))))
        return
    with tempfile.TemporaryDirectory(dir=said.folder) as folder:
        log = Path(folder) / "log.parquet"
        generate(Synthetic(events=said.events, items=said.items), log)
        print(
            f"{said.events:,} events, {log.stat().st_size / 1e6:.0f} MB, memory limit {said.memory_mb} MB", flush=True
        )
        runs: dict[str, list[Found]] = {kind: [] for kind in said.kinds}
        for _ in range(said.rounds):
            for kind, results in runs.items():
                results.append(measured(kind, log, said.memory_mb))
        for kind, results in runs.items():
            middle = {key: statistics.median(result[key] for result in results) for key in results[0]}
            print(f"{kind}: " + ", ".join(f"{key} {value:,.2f}" for key, value in middle.items()), flush=True)


if __name__ == "__main__":
    main()
