"""Conclude: a study's runs to its verdict and its report, published whole."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

import models.study_verdict
from models.overlap import overlap
from models.study import ArmRuns, StudyVerdict
from models.study_verdict import conclude as conclude_from
from tasks.arms_here import nightly_command
from tasks.plan import Question, StudyPlan
from tasks.predictions import predicted_quarters
from tasks.records import stored_record
from tasks.reproduce import command_for
from tasks.verb import tell, verb
from tasks.windows import training_data
from warehouse.fingerprint import code_digest, reached_from
from warehouse.runs import table_of
from warehouse.snapshot import Snapshot, open_snapshot
from warehouse.store import Store, store_at
from warehouse.studies import concluded, publish_study, study_id_of
from warehouse.study_report import render_study


@verb
def conclude(plan: StudyPlan) -> str:
    """Judge the arms together and publish the study, or find it in the store; return its id."""
    where = store_at(plan.question.store)
    run_ids = {arm.name: [run.run_id for run in plan.runs([arm])] for arm in plan.arms}
    base = plan.question.training.model_dump(mode="json")
    study_id = study_id_of(plan.question.kind, plan.dataset_id, base, run_ids, judging_code())
    with where.lock("studies", study_id, tell):
        if concluded(where, study_id):
            tell(f"study {study_id} is in the store: neither runs nor the code that judges them have changed")
        else:
            snapshot = open_snapshot(where.dataset(plan.dataset_id))
            arms = _arm_runs(plan, snapshot)
            tell(f"study {study_id}: weighing {sum(len(each.runs) for each in arms)} runs of {len(arms)} arms")
            facts = study_facts_of(plan, study_id, snapshot.manifest["source"])
            _publish(where, facts, conclude_from(arms), arms)
    return study_id


def judging_code() -> str:
    """Return a digest of the code that decides a verdict over runs that are there."""
    return code_digest(reached_from(Path(str(models.study_verdict.__file__))))


def study_command(question: Question) -> str:
    """Return the command that asks for the study anywhere."""
    where = {"workers": None, "arms_run": "here", "runner": "threads", "dask_address": None}
    study = question.study.model_copy(update=where)
    asked = {"source": question.source, "size": question.size, "dataset": question.dataset}
    return command_for(question.kind, {**asked, "training": question.training, "study": study})


def study_facts_of(plan: StudyPlan, study_id: str, source: str) -> dict[str, Any]:
    """Return what study.json says."""
    question = plan.question
    return {
        "study_id": study_id,
        "kind": question.kind,
        "dataset_id": plan.dataset_id,
        "source": source,
        "size": question.size,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": study_command(question),
        "code": {"runs": plan.code, "verdict": judging_code()},
        "versions": {name: version(name) for name in ("sawtooth", "torch", "numpy")},
        "config": {
            "training": question.training.model_dump(mode="json"),
            "dataset": question.dataset.model_dump(mode="json"),
            "study": question.study.model_dump(mode="json"),
        },
        "arms": [
            {
                "name": arm.name,
                "kind": arm.kind,
                "asks": arm.asks,
                "runs": [
                    {"run_id": run.run_id, "seed": run.training.seed, "command": nightly_command(question, run)}
                    for run in plan.runs([arm])
                ],
            }
            for arm in plan.arms
        ],
    }


def _arm_runs(plan: StudyPlan, snapshot: Snapshot) -> list[ArmRuns]:
    data = training_data(snapshot)
    shared = overlap(data.train, data.validation)
    store = plan.question.store
    return [
        ArmRuns(arm, [stored_record(store, run.run_id, snapshot, shared) for run in plan.runs([arm])])
        for arm in plan.arms
    ]


def _publish(where: Store, facts: dict[str, Any], verdict: StudyVerdict, arms: list[ArmRuns]) -> None:
    said = verdict.model_dump(mode="json")
    facts = {**facts, "verdict": verdict.headline()}
    page, figures = render_study(
        facts=facts,
        verdict=said,
        points=pl.concat(_points(where, each) for each in arms),
        quarters=predicted_quarters(arms[0].runs[0]),
    )
    publish_study(where, facts, said, page, figures)


def _points(where: Store, arm: ArmRuns) -> pl.DataFrame:
    """Return the curve points of an arm's runs with the arm's name, rate and each run's seed."""
    training = arm.arm.training
    named = [pl.lit(arm.arm.name).alias("arm"), pl.lit(training.optimizer.lr).alias("lr")]
    return pl.concat(
        table_of(where, run.run_id, "curve_points").with_columns(*named, seed=pl.lit(run.config.seed))
        for run in arm.runs
    )
