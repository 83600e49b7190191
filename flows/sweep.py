"""The study over learning rates: one training at each rate, over seeds."""

from typing import Annotated

from prefect import flow

from flows.parameters import SIZE, STORE
from models.config import Compute, Training
from tasks.conclude import conclude
from tasks.dataset import build_dataset
from tasks.ingest import ingest
from tasks.plan import Question, plan_arms
from tasks.publish_study import Findings, publish_study
from tasks.run_arms import run_arms
from warehouse.config import Dataset, Extraction, Size, Source, Sweep


@flow(name="sweep")
def sweep(
    source: Source = Source(),
    size: Annotated[Size, SIZE] = "250k",
    dataset: Dataset = Dataset(),
    training: Training = Training(),
    study: Sweep = Sweep(),
    compute: Compute = Compute(),
    extraction: Extraction = Extraction(),
    store: Annotated[str | None, STORE] = None,
) -> Findings:
    """Train at several learning rates and say how the sawtooth, and what it costs, go with the rate.

    Runs that are in the store are not run again, so a stopped study goes on where it was.

    Args:
        source: The raw log.
        size: Windows for training / validation: 250k is 250,000 / 10,000, 5.5m is 5,500,000 / 1,000,000.
        dataset: Which windows to cut.
        training: The base; its own learning rate is in the sweep.
        study: Which rates and seeds, and how the runs are made.
        compute: Where training runs, one CPU thread an arm unless said; it does not change what is asked.
        extraction: What extraction may use; it does not change what is asked.
        store: The store's folder; unset: SAWTOOTH_STORE of the worker, or store/ in the project.
    """
    question = Question(source, size, dataset, training, study, compute, extraction, store)
    built = build_dataset(ingest(source, extraction, store), size, dataset, extraction, store)
    plan = plan_arms(question, built.dataset_id)
    run_arms(plan)
    return publish_study(conclude(plan), store)
