"""Publish study: a verdict and its arms, as artifacts in the Prefect UI and as what a flow returns."""

import io
from collections.abc import Sequence
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from pydantic import Field
from rich.console import Console
from rich.table import Table

from models.study import ArmOutcome, Estimate, StudyVerdict
from models.verdict import CurveSawtooth
from tasks.progress import artifact_size
from tasks.publish import address_of
from tasks.published import published
from tasks.read_curves import verdict_page
from tasks.verb import in_flow_run, tell, verb
from warehouse.store import store_at
from warehouse.studies import study_facts, study_verdict

COLUMNS = (
    "arm", "train sawtooth (nats)", "validation dip (HR)", "best validation HR", "less the base's", "removes picture",
    "removes problem",
)  # fmt: skip
_WIDTH = 300
"""Of a table's line, so that none is broken; a terminal breaks it where it must."""


class Findings(StudyVerdict):
    """A study's verdict, and where it is in the store."""

    study_id: str
    report: str = Field(description="Address of the HTML report.")

    def __str__(self) -> str:
        """Return the verdict for people, a line for each arm, and where to read on."""
        console = Console(file=io.StringIO(), width=_WIDTH, no_color=True)
        table = Table(*COLUMNS, box=None, pad_edge=False)
        for row in arm_rows(self.arms):
            table.add_row(*row.values())
        with console.capture() as captured:
            console.print(table, markup=False)
        lines = "\n".join(line.rstrip() for line in captured.get().splitlines())
        return f"{super().__str__()}\n\n{lines}\n\nstudy {self.study_id}\nreport: {self.report}"


@verb
def publish_study(study_id: str, store: str | None) -> Findings:
    """Put a study's verdict, its arms and its report where people look; return them."""
    where = store_at(store)
    page = where.study(study_id) / "report.html"
    address = address_of("studies", study_id) or page.as_uri()
    found = Findings.model_validate({**study_verdict(where, study_id), "study_id": study_id, "report": address})
    tell(f"report: {page}")
    if in_flow_run():
        _publish(found, study_facts(where, study_id))
    return found


def _publish(found: Findings, facts: dict[str, Any]) -> None:
    key = f"{facts['kind']}-{artifact_size(facts['size'])}"
    about = f"Study {found.study_id} on {facts['source']}. 95 % intervals."
    subject = f"{facts['source']}, {facts['size']}"
    with published("the study's verdict, arms and report"):
        create_markdown_artifact(markdown=verdict_page(found, subject), key=f"verdict-{key}", description=about)
        create_table_artifact(table=arm_rows(found.arms), key=f"arms-{key}", description=about)
        create_link_artifact(link=found.report, link_text="Open the report", key=f"report-{key}", description=about)


def arm_rows(arms: Sequence[ArmOutcome]) -> list[dict[str, str]]:
    """Return outcomes as rows for people."""
    return [dict(zip(COLUMNS, _cells(arm), strict=True)) for arm in arms]


def _cells(arm: ArmOutcome) -> tuple[str, ...]:
    train = next((one for one in arm.sawtooth if one.curve == "train_loss"), None)
    best = "" if arm.best_validation_hr is None else f"{arm.best_validation_hr:.4f}"
    return (
        arm.name if arm.status == "finished" else f"{arm.name} ({arm.status})",
        _with_interval(train.excess if train else None, train),
        _with_interval(arm.validation_dip.value if arm.validation_dip else None, arm.validation_dip),
        best,
        _with_interval(arm.difference.value if arm.difference else None, arm.difference),
        _answer(arm.removes_picture),
        _answer(arm.removes_problem),
    )


def _with_interval(value: float | None, bounds: Estimate | CurveSawtooth | None) -> str:
    if value is None:
        return ""
    if bounds is None or bounds.low is None or bounds.high is None:
        return _signed(value, 4)
    return f"{_signed(value, 4)} [{_signed(bounds.low, 3)}, {_signed(bounds.high, 3)}]"


def _signed(value: float, digits: int) -> str:
    return f"{round(value, 6):+.{digits}g}"  # rounded first: the mean of differences that cancel is not 1e-18


def _answer(answer: str | None) -> str:
    return (answer or "").replace("_", " ")
