"""The study that tells why curves saw: a base, orders and remedies, compared over seeds."""

from typing import Annotated

from prefect import flow

from flows.parameters import SIZE, STORE
from models.config import Compute, Training
from tasks.conclude import conclude
from tasks.dataset import build_dataset
from tasks.ingest import ingest
from tasks.plan import Question, add_clip_arms, plan_arms
from tasks.publish_study import Findings, publish_study
from tasks.run_arms import run_arms
from warehouse.config import Dataset, Diagnosis, Extraction, Size, Source


@flow(name="diagnose")
def diagnose(
    source: Source = Source(),
    size: Annotated[Size, SIZE] = "250k",
    dataset: Dataset = Dataset(),
    training: Training = Training(),
    study: Diagnosis = Diagnosis(),
    compute: Compute = Compute(),
    extraction: Extraction = Extraction(),
    store: Annotated[str | None, STORE] = None,
) -> Findings:
    """Find out why the curves of a training saw, whether it is an issue, and what removes it.

    Trains the base and arms that each differ from it in one thing, such as the order of the windows or the rate.
    Runs that are in the store are not run again, so a stopped study goes on where it was.

    Args:
        source: The raw log.
        size: Windows for training / validation: 250k is 250,000 / 10,000, 5.5m is 5,500,000 / 1,000,000.
        dataset: Which windows to cut.
        training: The base: the training whose curves are in question.
        study: Which arms there are, and how they are run.
        compute: Where training runs, one CPU thread an arm unless said; it does not change what is asked.
        extraction: What extraction may use; it does not change what is asked.
        store: The store's folder; unset: SAWTOOTH_STORE of the worker, or store/ in the project.
    """
    question = Question(source, size, dataset, training, study, compute, extraction, store)
    built = build_dataset(ingest(source, extraction, store), size, dataset, extraction, store)
    plan = plan_arms(question, built.dataset_id)
    run_arms(plan)
    plan = add_clip_arms(plan)  # where the base's own gradients say
    run_arms(plan)
    return publish_study(conclude(plan), store)
