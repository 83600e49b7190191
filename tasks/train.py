"""Train: a dataset to a run with its model and every curve."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import models.assessment
import models.baselines
import models.stored
import models.training
from models.config import Compute, Training
from models.device import pick_device
from models.errors import TrainingStoppedError
from models.stored import save
from models.training import TrainedModel
from models.training import train as train_model
from tasks.checkpoints import keeping_of
from tasks.progress import shown
from tasks.records import watched_rows
from tasks.signals import signals_held
from tasks.verb import tell, verb
from tasks.windows import training_data
from warehouse.fingerprint import code_digest, reached_from
from warehouse.runs import Draft, draft_of, finished, run_id_of
from warehouse.snapshot import Snapshot, open_snapshot
from warehouse.store import Store, store_at, told_plainly, write_json

_VERSIONS = ("sawtooth", "torch", "numpy", "prefect", "duckdb", "polars")


@dataclass(frozen=True)
class Trained:
    """A run that has its model, and whether it was in the store before."""

    run_id: str
    reused: bool


@verb
def train(dataset_id: str, training: Training, compute: Compute, store: str | None) -> Trained:
    """Train on a dataset, or find the run that asked the same before."""
    where = store_at(store)
    code = code_version()
    run_id = run_id_of(dataset_id, training.model_dump(mode="json"), code)
    with where.lock("runs", run_id, tell):
        if finished(where, run_id):
            tell(f"run {run_id} is in the store: neither data nor settings nor code have changed")
            return Trained(run_id, reused=True)
        if not draft_of(where, run_id).has("trained"):
            _train(where, run_id, open_snapshot(where.dataset(dataset_id)), training, compute, code)
    return Trained(run_id, reused=False)


def code_version() -> str:
    """Return a digest of what decides a run's results: the code that trains, scores and stores, and torch's version."""
    modules = (models.training, models.assessment, models.baselines, models.stored)
    files = {file for module in modules for file in reached_from(Path(str(module.__file__)))}
    return f"{code_digest(sorted(files))}-torch-{version('torch')}"


def _train(where: Store, run_id: str, snapshot: Snapshot, training: Training, compute: Compute, code: str) -> None:
    started = datetime.now(UTC)
    size = snapshot.manifest["size"]
    tell(f"run {run_id}: training on dataset {snapshot.dataset_id}")
    with signals_held() as signals:
        keeping = keeping_of(draft_of(where, run_id), signals.asked)
        try:
            with shown(size) as on_progress:
                trained = train_model(training_data(snapshot), training, compute, on_progress, keeping)
        except TrainingStoppedError as stopped:
            tell(f"run {run_id}: {stopped}")
            raise
        facts = {
            "run_id": run_id,
            "dataset_id": snapshot.dataset_id,
            "source": snapshot.manifest["source"],
            "size": size,
            "seed": training.seed,
            "arm": "base",
            "started_at": started.isoformat(timespec="seconds"),
            "code": code,
            "versions": {name: version(name) for name in _VERSIONS},
            "config": training.model_dump(mode="json"),
            "device": pick_device(compute).type,
            **_outcome(trained),
        }
        with told_plainly(where.root):
            _record(draft_of(where, run_id, anew=True), trained, facts)
    tell(f"run {run_id}: {trained.status} after {len(trained.steps):,} steps, {trained.samples_per_s:,.0f} windows/s")


def _outcome(trained: TrainedModel) -> dict[str, Any]:
    return {
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
