"""One tiny run in a store of its own, made once by the verbs of a night, for the tasks that need one."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from models.config import Compute, Training
from tasks.dataset import build_dataset
from tasks.evaluate import evaluate
from tasks.ingest import ingest
from tasks.judge import judge
from tasks.plan import Question
from tasks.report import report
from tasks.train import train
from warehouse.config import Dataset, Extraction, Source, Sweep, Synthetic

TINY = Question(
    source=Source(synthetic=Synthetic(events=3_000, items=60)),
    size="250k",
    dataset=Dataset(train_windows=500, validation_windows=50, test_windows=40),
    training=Training(epochs=3, probe_windows=100, batch_size=64),
    study=Sweep(rates=(0.003,), seeds=1),
    compute=Compute(device="cpu", threads=1),
    extraction=Extraction(),
    store=None,
)


@dataclass(frozen=True)
class TinyRun:
    """A finished run and what it was asked with."""

    store: Path
    run_id: str
    dataset_id: str


def made(root: Path, question: Question) -> TinyRun:
    """Make a run by the verbs of a night, up to its report."""
    store, size, training = str(root), question.size, question.training
    ingested = ingest(question.source, question.extraction, store)
    dataset_id = build_dataset(ingested, size, question.dataset, question.extraction, store).dataset_id
    run_id = train(dataset_id, training, question.compute, store).run_id
    evaluate(run_id, dataset_id, training, question.compute, store)
    judge(run_id, dataset_id, store)
    report(run_id, "python -m flows nightly", store)
    return TinyRun(root, run_id, dataset_id)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """Make a run of three epochs; every test may read it, none may change it."""
    return made(tmp_path_factory.mktemp("tiny-run") / "store", TINY)
