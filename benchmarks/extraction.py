"""Seconds and memory from a raw log to opened windows, beside window functions that a user writes in Polars.

Each measurement is a process of its own, so that its peak memory is its own; they take turns.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import polars as pl

from warehouse.config import Columns, Dataset, Extraction, Source, Split, Synthetic
from warehouse.datasets import build
from warehouse.ingest import ingest
from warehouse.snapshot import open_snapshot
from warehouse.sources import resolve
from warehouse.store import Store
from warehouse.synthetic import generate

EVENTS, ITEMS = 6_500_000, 20_000


def silent(_: str) -> None:
    """Say nothing."""


def sawtooth(log: Path, folder: Path) -> dict[str, float]:
    """Ingest, cut the 5.5M / 1M windows, and open them."""
    store, source = (
        Store(folder),
        Source(preset="custom", path=str(log), columns=Columns(user="user", item="item", time="time")),
    )
    times = [time.perf_counter()]
    ingested = ingest(store, resolve(source), Extraction(), silent)
    times.append(time.perf_counter())
    config = Dataset(split=Split(train_until="0.845", validation_until="0.995"), allow_fewer=True)
    built = build(store, ingested, "5.5m", config, Extraction(), silent)
    times.append(time.perf_counter())
    snapshot = open_snapshot(store.dataset(built.dataset_id))
    times.append(time.perf_counter())
    stages = dict(
        zip(("ingest_s", "dataset_s", "open_s"), (later - earlier for earlier, later in pairwise(times)), strict=True)
    )
    return {**stages, "windows": sum(snapshot.manifest["counts"]["windows"].values())}


def by_shifts(log: Path, folder: Path) -> dict[str, float]:
    """Cut windows with ten shifts over users, as Polars users do, and write them."""
    started = time.perf_counter()
    frame = pl.read_parquet(log).sort("user", "time", maintain_order=True)
    frame = frame.with_columns(pl.col("item").cast(pl.Categorical).to_physical().cast(pl.Int32))
    shifts = [pl.col("item").shift(back).over("user").alias(f"item_{back}") for back in range(1, 11)]
    windows = frame.select("time", pl.col("item").alias("target"), *shifts).filter(pl.col("item_1").is_not_null())
    windows.write_parquet(folder / "windows.parquet")
    return {"total_s": time.perf_counter() - started, "windows": len(windows)}


def measured(kind: str, log: Path) -> dict[str, float]:
    """Run one kind in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--one", kind, str(log), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    """Measure both kinds in turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=3, metavar=("KIND", "LOG", "FOLDER"))
    parser.add_argument("--rounds", type=int, default=3)
    said = parser.parse_args()
    if said.one:
        kind, log, folder = said.one
        found = {"sawtooth": sawtooth, "by_shifts": by_shifts}[kind](Path(log), Path(folder))
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(json.dumps({**found, "peak_mb": peak_mb}))
        return
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.parquet"
        started = time.perf_counter()
        generate(Synthetic(events=EVENTS, items=ITEMS), log)
        print(
            f"{EVENTS:,} synthetic events in {time.perf_counter() - started:.1f} s, {log.stat().st_size / 1e6:.0f} MB"
        )
        runs: dict[str, list[dict[str, float]]] = {"sawtooth": [], "by_shifts": []}
        for _ in range(said.rounds):
            for kind, results in runs.items():
                results.append(measured(kind, log))
        for kind, results in runs.items():
            middle = {key: statistics.median(result[key] for result in results) for key in results[0]}
            print(f"{kind}: " + ", ".join(f"{key} {value:,.2f}" for key, value in middle.items()))


if __name__ == "__main__":
    main()
