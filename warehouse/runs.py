"""Runs: drafted in the work folder stage by stage, published whole, found again by what was asked.

A draft also holds the checkpoints of its training; they are no part of what is published.

A finished run's folder holds config.json, run.json, the tables named here, the model, figures, report.html and
DONE, which lists the SHA-256 of every other file.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pyarrow.parquet as pq

from warehouse.errors import WarehouseError
from warehouse.fingerprint import digest_of, sha256_of
from warehouse.store import Store, publish, read_json, told_plainly, write_json

Table = Literal["curve_points", "steps", "norms", "forgetting", "quarters", "watched", "ranks", "scores"]

CHECKPOINTS = "checkpoints"
"""The folder in a draft that `warehouse.checkpoints` writes."""

SCHEMAS: dict[Table, dict[str, type[pl.DataType]]] = {
    "curve_points": {
        "step": pl.Int64, "epoch": pl.Float64, "phase": pl.Int32, "estimator": pl.String, "metric": pl.String,
        "value": pl.Float64, "sum": pl.Float64, "count": pl.Int64, "ci_low": pl.Float64, "ci_high": pl.Float64,
    },
    "steps": {
        "step": pl.Int64, "epoch": pl.Float64, "loss_nats": pl.Float64, "count": pl.Int64, "lr": pl.Float64,
        "grad_norm": pl.Float64,
    },
    "norms": {
        "step": pl.Int64, "epoch": pl.Float64, "phase": pl.Int32, "group": pl.String, "quantity": pl.String,
        "value": pl.Float64,
    },
    "forgetting": {
        "epoch": pl.Int32, "phase": pl.Int32, "age_low_epochs": pl.Float64, "age_high_epochs": pl.Float64,
        "loss_sum": pl.Float64, "loss_sum_sq": pl.Float64, "loss_count": pl.Int64, "hits": pl.Int64,
        "count": pl.Int64,
    },
    "quarters": {
        "epoch": pl.Int32, "phase": pl.Int32, "count": pl.Int64, "order_hash": pl.String, "set_hash": pl.String,
        "place_mean": pl.Float64, "place_jump": pl.Float64, "time_mean": pl.Float64, "time_sd": pl.Float64,
        "log_popularity_mean": pl.Float64, "labels": pl.Int64, "label_entropy_nats": pl.Float64,
    },
    "watched": {"step": pl.Int64, "window": pl.Int32, "loss_nats": pl.Float32, "rank": pl.Float32},
    "ranks": {"split": pl.String, "window": pl.Int32, "rank": pl.Float32},
    "scores": {
        "model": pl.String, "split": pl.String, "metric": pl.String, "value": pl.Float64, "sum": pl.Float64,
        "count": pl.Int64, "ci_low": pl.Float64, "ci_high": pl.Float64,
    },
}  # fmt: skip
"""Columns of a run's tables.

Grain: a metric of an estimator at an evaluation; a step; a norm at a step; the visits of one age in one phase of an
epoch; one phase of an epoch; a validation window at an evaluation; a window under the kept weights; a score. A window
is its index in its split; an unknown target has rank infinity.
"""


@dataclass(frozen=True)
class Draft:
    """A run in the making. Every stage leaves a mark when it is whole, and is not done twice."""

    run_id: str
    folder: Path

    def has(self, stage: str) -> bool:
        """Return whether a stage was finished and its files are still what they were."""
        mark = self.folder / f"{stage}.mark"
        if not mark.is_file():
            return False
        files = read_json(mark)["files"]
        return all(
            (self.folder / name).is_file() and sha256_of(self.folder / name) == old for name, old in files.items()
        )

    def mark(self, stage: str) -> None:
        """Say that a stage is whole."""
        write_json(self.folder / f"{stage}.mark", {"files": _hashes(self.folder)})

    def write(self, table: Table, rows: Iterable[Mapping[str, Any]] | pl.DataFrame) -> None:
        """Write one of the run's tables, whole; the run's id is its first column."""
        schema = pl.Schema(SCHEMAS[table])
        if isinstance(rows, pl.DataFrame):
            frame = rows.select(schema.names()).cast(schema)
        else:
            frame = pl.DataFrame(rows, schema=schema, orient="row")
        frame = frame.select(pl.lit(self.run_id).alias("run_id"), pl.all())
        with told_plainly(self.folder):
            pq.write_table(frame.to_arrow(), self.folder / f"{table}.parquet", compression="zstd")

    def read(self, table: Table) -> pl.DataFrame:
        """Read one of the run's tables, without the run's id."""
        return pl.read_parquet(self.folder / f"{table}.parquet").drop("run_id")

    def holds(self, table: Table) -> bool:
        """Return whether the run has one of the tables; a run of an older version may lack some."""
        return (self.folder / f"{table}.parquet").is_file()


def run_id_of(dataset_id: str, settings: Mapping[str, Any], code: str) -> str:
    """Return the id of the run that asks these settings of this dataset with this code."""
    return digest_of({"dataset": dataset_id, "training": settings, "code": code})


def draft_of(store: Store, run_id: str, *, anew: bool = False) -> Draft:
    """Return a run's draft; ``anew`` empties it, but for the checkpoints: until a training is whole they are it."""
    folder = store.work("runs", run_id)
    if anew:
        with told_plainly(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.name != CHECKPOINTS:
                    _remove(path)
    return Draft(run_id, folder)


def finished(store: Store, run_id: str) -> bool:
    """Return whether a run is in the store, whole.

    Raises
    ------
    WarehouseError
        If it is there but one of its files is missing or altered; it is named.
    """
    return is_whole(store.run(run_id), "the run is not used", "to train it anew")


def is_whole(folder: Path, consequence: str, purpose: str) -> bool:
    """Return whether a published folder is there with every file that its DONE lists.

    Raises
    ------
    WarehouseError
        If it is there but one of its files is missing or altered; it is named.
    """
    if not folder.exists():
        return False
    for name, expected in read_json(folder / "DONE")["files"].items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != expected:
            what = "was altered" if path.is_file() else "is missing"
            message = f"{path} {what}: {consequence}. Remove {folder} and ask again {purpose}"
            raise WarehouseError(message)
    return True


def folder_of(store: Store, run_id: str) -> Path:
    """Return where a run is: among the finished, else its draft."""
    folder = store.run(run_id)
    return folder if folder.exists() else store.work("runs", run_id)


def facts_of(store: Store, run_id: str) -> dict[str, Any]:
    """Return what is known of a run, finished or drafted."""
    return read_json(folder_of(store, run_id) / "run.json")


def table_of(store: Store, run_id: str, table: Table) -> pl.DataFrame:
    """Return one of a run's tables, finished or drafted."""
    return Draft(run_id, folder_of(store, run_id)).read(table)


def finish(store: Store, draft: Draft) -> Path:
    """Publish a draft. Returns the run's folder."""
    with told_plainly(draft.folder):
        for path in (draft.folder / CHECKPOINTS, *draft.folder.glob(".*")):  # a killed writer's partial files
            _remove(path)
    sealed(draft.folder)
    final = store.run(draft.run_id)
    publish(draft.folder, final)
    for mark in final.glob("*.mark"):  # only now: a crash before it would cost the stages that they stand for
        mark.unlink()
    return final


def sealed(folder: Path) -> None:
    """Write DONE into a folder that is about to be published: the SHA-256 of every other file."""
    write_json(folder / "DONE", {"files": _hashes(folder)})


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and _is_content(path.relative_to(folder)))
    return {str(path.relative_to(folder)): sha256_of(path) for path in files}


def _is_content(name: Path) -> bool:
    is_own = name.suffix == ".mark" or name.name == "DONE" or name.parts[0] == CHECKPOINTS
    return not is_own and not name.name.startswith(".")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
