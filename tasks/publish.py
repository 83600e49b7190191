"""Publish: what a night brought, as artifacts in the Prefect UI, under one key a size."""

import base64
import os
from typing import Any

import polars as pl
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from tasks.progress import artifact_size
from tasks.published import published
from tasks.verb import in_flow_run, verb
from warehouse.report import flattened
from warehouse.runs import table_of
from warehouse.store import store_at


@verb
def publish(run: dict[str, Any], manifest: dict[str, Any], store: str | None) -> str:
    """Put a run's metrics, curves, data quality and report where people look; return the report's address."""
    where = store_at(store)
    page = where.run(run["run_id"]) / "report.html"
    address = address_of("runs", run["run_id"]) or page.as_uri()
    if not in_flow_run():
        return address
    size, about = artifact_size(run["size"]), f"Run {run['run_id']} on {run['source']}, {run['status']}"
    scores = table_of(where, run["run_id"], "scores")
    picture = (page.parent / "figures" / "curves.png").read_bytes()
    intervals, where_it_is = f"{about}. 95 % intervals.", f"{about}: {page}"
    with published("the run's metrics, curves, data and report"):
        create_table_artifact(table=metrics_table(scores), key=f"metrics-{size}", description=intervals)
        create_markdown_artifact(markdown=curves_page(run, picture), key=f"curves-{size}", description=about)
        create_markdown_artifact(markdown=data_page(manifest), key=f"data-{size}", description=about)
        create_link_artifact(link=address, link_text="Open the report", key=f"report-{size}", description=where_it_is)
    return address


def metrics_table(scores: pl.DataFrame) -> list[dict[str, Any]]:
    """Return scores as rows for people: a metric of a split, and each model's value with its interval."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for score in scores.to_dicts():
        key = (score["split"], score["metric"])
        row = rows.setdefault(key, {"split": score["split"], "metric": score["metric"]})
        row[score["model"]] = _with_interval(score)
    return list(rows.values())


def curves_page(run: dict[str, Any], picture: bytes) -> str:
    """Return the curves as markdown with the picture inside."""
    image = base64.b64encode(picture).decode("ascii")
    value, epoch = _number(run["best_validation_hr"]), run["best_validation_epoch"]
    best = f"Best validation {run['metric']} {value}, epoch {epoch}."
    stopped = f" **Diverged: stopped before step {run['stopped_at']}.**" if run["status"] == "diverged" else ""
    verdict = f"\n\n{verdict_line(run)}" if run.get("verdict") else ""
    return f"# Curves\n\n{best}{stopped}{verdict}\n\n![curves](data:image/png;base64,{image})\n"


def verdict_line(run: dict[str, Any]) -> str:
    """Return why a run's curves saw, and whether that is an issue, as markdown."""
    return f"**Why the curves saw: {run['verdict']}.** Is it an issue: {run['is_issue'].replace('_', ' ')}."


def data_page(manifest: dict[str, Any]) -> str:
    """Return what the data are, and what was checked, as markdown."""
    counts, ingest = manifest["counts"], manifest["ingest"]
    gates = "\n".join(
        f"| {'yes' if gate['passed'] else 'NO'} | {gate['name']} | {gate['evidence']} |" for gate in manifest["gates"]
    )
    rejected = "\n".join(f"- {count:,} rows: {reason}" for reason, count in ingest["quarantined"].items()) or "- none"
    numbers = "\n".join(f"| {name} | {count:,} |" for name, count in flattened(counts))
    cuts = manifest["cuts"]
    table = "| passed | gate | evidence |\n|---|---|---|"
    return (
        f"# Data of {manifest['source']}\n\n"
        f"Dataset `{manifest['dataset_id']}`, cut at T1 {cuts['t1']} and T2 {cuts['t2']}.\n\n"
        f"## Gates\n\n{table}\n{gates}\n\n## Quarantine\n\n{rejected}\n\n"
        f"## Counts\n\n| what | how many |\n|---|---|\n{numbers}\n"
    )


def address_of(kind: str, name: str) -> str | None:
    """Return the address of the report of a run or a study where reports are served over HTTP."""
    served = os.environ.get("SAWTOOTH_REPORTS_URL")
    return f"{served}/{kind}/{name}/report.html" if served else None


def _with_interval(score: dict[str, Any]) -> str:
    if score["ci_low"] is None:
        return _number(score["value"])
    return f"{_number(score['value'])} [{_number(score['ci_low'])}, {_number(score['ci_high'])}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
