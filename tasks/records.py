"""Between the two rooms that do not know each other: a run's tables as the record that its statistics need."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from models.config import Training
from models.curves import CurvePoint, ForgettingRecord, NormRecord, QuarterRecord, StepRecord
from models.run_record import Overlap, RunRecord, Watched
from warehouse.runs import SCHEMAS, Draft, facts_of
from warehouse.snapshot import Snapshot
from warehouse.store import store_at

if TYPE_CHECKING:  # torch takes longer to import than all else that reads records
    from models.watching import WatchedScores

Record = TypeVar("Record")


def record_of(draft: Draft, facts: dict[str, Any], snapshot: Snapshot, overlap: Overlap | None) -> RunRecord:
    """Return a run, finished or drafted, as its statistics need it.

    Parameters
    ----------
    draft
        The run's folder.
    facts
        Its run.json or training.json: run_id, status and config.
    snapshot
        Of its dataset; says whose each window is.
    overlap
        Of its dataset.
    """
    norms = draft.read("norms").filter(pl.col("quantity") != "step_gradient")  # before a million objects are made
    return RunRecord(
        run_id=draft.run_id,
        config=Training.model_validate(facts["config"]),
        status=facts["status"],
        points=_records(CurvePoint, draft.read("curve_points")),
        steps=_records(StepRecord, draft.read("steps")),
        norms=_records(NormRecord, norms),
        forgetting=_records(ForgettingRecord, draft.read("forgetting")) if draft.holds("forgetting") else [],
        quarters=_records(QuarterRecord, draft.read("quarters")) if draft.holds("quarters") else [],
        watched=_watched(draft.read("watched"), snapshot) if draft.holds("watched") else None,
        overlap=overlap,
    )


def stored_record(store: str | None, run_id: str, snapshot: Snapshot, overlap: Overlap | None = None) -> RunRecord:
    """Return a finished run's record."""
    where = store_at(store)
    return record_of(Draft(run_id, where.run(run_id)), facts_of(where, run_id), snapshot, overlap)


def _records(make: Callable[..., Record], rows: pl.DataFrame) -> list[Record]:
    return [make(**row) for row in rows.iter_rows(named=True)]


def _watched(rows: pl.DataFrame, snapshot: Snapshot) -> Watched | None:
    if rows.is_empty():
        return None
    rows = rows.sort("step", "window")
    steps = rows["step"].unique(maintain_order=True).to_numpy()
    shape = (len(steps), -1)
    windows = rows["window"].to_numpy().reshape(shape)[0]
    return Watched(
        step_K=steps,
        loss_KW=rows["loss_nats"].to_numpy().reshape(shape),
        rank_KW=rows["rank"].to_numpy().reshape(shape),
        user_W=snapshot.arrays["users"][snapshot.arrays["validation_ends"][windows]].astype(np.int64),
    )


def watched_rows(scores: "WatchedScores | None") -> pl.DataFrame:
    """Return what a training watched as rows of the table of that name, by step and window."""
    if scores is None:
        return pl.DataFrame(schema=SCHEMAS["watched"])
    n_steps, n_windows = scores.loss_KW.shape
    return pl.DataFrame({
        "step": np.repeat(scores.step_K, n_windows),
        "window": np.tile(np.arange(n_windows, dtype=np.int32), n_steps),
        "loss_nats": scores.loss_KW.ravel(),
        "rank": scores.rank_KW.ravel(),
    })  # fmt: skip
