"""Train: a dataset to a run with its model and every curve."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import models
from models.config import Compute, Training
from models.errors import TrainingStoppedError
from tasks.asked import Asked
from tasks.progress import shown
from tasks.signals import signals_held
from tasks.train_processes import train_in_processes
from tasks.verb import tell, tell_last, verb
from warehouse.fingerprint import code_digest, reached_from
from warehouse.runs import draft_of, finished, run_id_of
from warehouse.snapshot import open_snapshot
from warehouse.store import Store, store_at


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
    asked = Asked(root=where.root, run_id=run_id, dataset_id=dataset_id, training=training, compute=compute, code=code)
    with where.lock("runs", run_id, tell):
        if finished(where, run_id):
            tell(f"run {run_id} is in the store: neither data nor settings nor code have changed")
            return Trained(run_id, reused=True)
        if not draft_of(where, run_id).has("trained"):
            _train(where, asked)
    return Trained(run_id, reused=False)


def code_version() -> str:
    """Return a digest of what decides a run's results: the code that trains, scores and stores, and torch's version."""
    room = Path(str(models.__file__)).parent
    modules = ("training", "assessment", "baselines", "stored")
    files = {file for module in modules for file in reached_from(room / f"{module}.py")}
    return f"{code_digest(sorted(files))}-torch-{version('torch')}"


def _train(where: Store, asked: Asked) -> None:
    """Train in this process, or in one a device."""
    from models.device import device_count, part_of  # torch is imported when it is needed: a cached night is without
    from tasks.train_draft import train_draft

    size, n_devices = open_snapshot(where.dataset(asked.dataset_id)).manifest["size"], device_count(asked.compute)
    tell(f"run {asked.run_id}: training on dataset {asked.dataset_id}")
    with signals_held() as signals, shown(size) as on_progress:
        try:
            if n_devices == 1:
                train_draft(asked, signals.asked, on_progress)
            else:
                part = asked.model_copy(update={"compute": part_of(asked.compute, n_devices)})
                train_in_processes(part, n_devices, signals.asked, on_progress)
        except TrainingStoppedError as stopped:
            tell_last(f"run {asked.run_id}: {stopped}")
            raise
