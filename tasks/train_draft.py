"""One training of a run, from the dataset to what it leaves in the draft, in one process or in each of several."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from models.device import pick_device
from models.keeping import Keeping
from models.progress import OnProgress
from models.stored import save
from models.training import TrainedModel, train
from models.world import ALONE, World
from tasks.asked import Asked
from tasks.checkpoints import keeping_of
from tasks.records import watched_rows
from tasks.verb import tell
from tasks.windows import training_data
from warehouse.runs import Draft, draft_of
from warehouse.snapshot import Snapshot, open_snapshot
from warehouse.store import Store, told_plainly, write_json

_VERSIONS = ("sawtooth", "torch", "numpy", "prefect", "duckdb", "polars")


def train_draft(asked: Asked, must_stop: Callable[[], bool], on_progress: OnProgress, world: World = ALONE) -> None:
    """Train, from the run's newest checkpoint if there is one; the first process writes all that comes of it.

    Raises
    ------
    ModelError
        As `models.training.train`.
    WarehouseError
        If the dataset cannot be read or the draft not be written.
    """
    started = datetime.now(UTC)
    store = Store(asked.root)
    snapshot = open_snapshot(store.dataset(asked.dataset_id))
    keeping = keeping_of(draft_of(store, asked.run_id), must_stop)
    if world.rank > 0:
        keeping = Keeping(keeping.resume, None, must_stop)
    trained = train(training_data(snapshot), asked.training, asked.compute, on_progress, keeping, world)
    if world.rank > 0:
        return
    with told_plainly(store.root):
        _record(draft_of(store, asked.run_id, anew=True), trained, _facts(asked, snapshot, trained, started, world))
    speed = f"{trained.samples_per_s:,.0f} windows/s"
    tell(f"run {asked.run_id}: {trained.status} after {len(trained.steps):,} steps, {speed}")


def _facts(asked: Asked, snapshot: Snapshot, trained: TrainedModel, started: datetime, world: World) -> dict[str, Any]:
    return {
        "run_id": asked.run_id,
        "dataset_id": asked.dataset_id,
        "source": snapshot.manifest["source"],
        "size": snapshot.manifest["size"],
        "seed": asked.training.seed,
        "arm": "base",
        "started_at": started.isoformat(timespec="seconds"),
        "code": asked.code,
        "versions": {name: version(name) for name in _VERSIONS},
        "config": asked.training.model_dump(mode="json"),
        "device": pick_device(asked.compute).type,
        "devices": world.size,
        "status": trained.status,
        "stopped_at": trained.stopped_at,
        "kept_step": trained.kept_step,
        "backend": trained.backend,
        "precision": trained.precision,
        "wall_s": trained.wall_s,
        "samples_per_s": trained.samples_per_s,
    }


def _record(draft: Draft, trained: TrainedModel, facts: dict[str, Any]) -> None:
    """Write all that a training left behind into a run's draft."""
    draft.write("curve_points", map(asdict, trained.points))
    draft.write("steps", map(asdict, trained.steps))
    draft.write("norms", map(asdict, trained.norms))
    draft.write("forgetting", map(asdict, trained.forgetting))
    draft.write("quarters", map(asdict, trained.quarters))
    draft.write("watched", watched_rows(trained.watched))
    details = {key: facts[key] for key in ("run_id", "dataset_id", "code", "kept_step")}
    save(draft.folder, trained.model, {**details, "validation": _kept_metrics(trained)})
    write_json(draft.folder / "config.json", facts["config"])
    write_json(draft.folder / "training.json", facts)
    draft.mark("trained")


def _kept_metrics(trained: TrainedModel) -> dict[str, float | None]:
    """Return the validation metrics of the weights that are kept."""
    kept = (point for point in trained.points if point.step == trained.kept_step)
    return {point.metric: point.value for point in kept if point.estimator == "validation"}
