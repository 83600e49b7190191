"""What was concluded, as rows for SQL: studies, and the verdicts of runs and of studies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from warehouse.errors import WarehouseError
from warehouse.fingerprint import sha256_of
from warehouse.store import read_json

STUDY_COLUMNS = {
    "study_id": pa.string(), "kind": pa.string(), "dataset_id": pa.string(), "source": pa.string(),
    "size": pa.string(), "created_at": pa.string(), "hypothesis": pa.string(), "is_issue": pa.string(),
    "arms": pa.int64(), "runs": pa.int64(), "command": pa.string(), "config": pa.string(),
}  # fmt: skip
VERDICT_COLUMNS = {
    "subject": pa.string(), "id": pa.string(), "hypothesis": pa.string(), "support": pa.float64(),
    "is_issue": pa.string(), "train_side": pa.string(), "validation_side": pa.string(), "advice": pa.string(),
    "next_experiment": pa.string(), "created": pa.string(),
}  # fmt: skip


def checked_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a published folder.

    Raises
    ------
    WarehouseError
        If it is not the file that was published.
    """
    if read_json(path.parent / "DONE")["files"].get(path.name) != sha256_of(path):
        message = f"{path} was altered; remove {path.parent} and ask for it again"
        raise WarehouseError(message)
    return read_json(path)


def study_row(folder: Path) -> dict[str, Any]:
    """Return a study as a row."""
    facts, verdict = checked_json(folder / "study.json"), checked_json(folder / "verdict.json")
    runs = {run["run_id"] for arm in facts["arms"] for run in arm["runs"]}
    return {**facts, **_answer(verdict), "arms": len(facts["arms"]), "runs": len(runs)}


def verdict_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the verdict of a run or study as a row; a run that could not be judged, or never was, has none."""
    if not (folder / "verdict.json").is_file():
        return []
    verdict = checked_json(folder / "verdict.json")
    is_run = (folder / "run.json").is_file()
    facts = checked_json(folder / ("run.json" if is_run else "study.json"))
    subject, created = ("run", "judged_at") if is_run else ("study", "created_at")
    said = {"subject": subject, "id": facts[f"{subject}_id"], "created": facts.get(created)}
    return [{**verdict, **said, **_answer(verdict)}]


def _answer(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return what leads, under a name that SQL has not reserved, its support, and whether it is an issue."""
    support = {one["id"]: one["support"] for one in verdict["hypotheses"]}
    leading = verdict["leading"]
    return {"hypothesis": leading, "is_issue": verdict["is_issue"], "support": support.get(leading)}
