"""The nightly flow: a raw log to a trained, evaluated, reported model."""

from typing import Annotated

from prefect import flow

from flows.parameters import SIZE, STORE
from flows.result import Night, concluded
from models.config import Compute, Training
from tasks.compare import compare
from tasks.dataset import build_dataset
from tasks.evaluate import evaluate
from tasks.ingest import ingest
from tasks.judge import judge
from tasks.promote import promote
from tasks.publish import publish
from tasks.report import report
from tasks.reproduce import command_for
from tasks.train import train
from warehouse.config import Dataset, Extraction, Size, Source
from warehouse.policies import Promotion


@flow(name="nightly")
def nightly(
    source: Source = Source(),
    size: Annotated[Size, SIZE] = "250k",
    dataset: Dataset = Dataset(),
    training: Training = Training(),
    promotion: Promotion = Promotion(),
    compute: Compute = Compute(),
    extraction: Extraction = Extraction(),
    store: Annotated[str | None, STORE] = None,
) -> Night:
    """Turn a raw log into last-10-item windows, train a GRU on them, evaluate, report and promote it.

    What was asked before, of the same data with the same code, is answered from the store.

    Args:
        source: The raw log.
        size: Windows for training / validation: 250k is 250,000 / 10,000, 5.5m is 5,500,000 / 1,000,000.
        dataset: Which windows to cut.
        training: The model and its training.
        promotion: How the run competes for the champion's place; it does not change what is asked.
        compute: Where training runs; it does not change what is asked.
        extraction: What extraction may use; it does not change what is asked.
        store: The store's folder; unset: SAWTOOTH_STORE of the worker, or store/ in the project.
    """
    asked = {"source": source, "size": size, "dataset": dataset, "training": training}
    ingested = ingest(source, extraction, store)
    built = build_dataset(ingested, size, dataset, extraction, store)
    trained = train(built.dataset_id, training, compute, store)
    evaluate(trained.run_id, built.dataset_id, training, compute, store)
    judge(trained.run_id, built.dataset_id, store)
    compare(trained.run_id, built.dataset_id, promotion, compute, store)
    run = report(trained.run_id, command_for("nightly", asked), store)
    outcome = promote(run, promotion, compute, store)
    address = publish(run, built.manifest, store)
    return concluded(run, address, outcome, reused=trained.reused)
