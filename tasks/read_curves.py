"""Read curves: somebody's file of curves to a verdict."""

from pathlib import Path

import polars as pl
from prefect.artifacts import create_markdown_artifact

from models.curve_set import Role
from models.curve_timing import Series, timed
from models.curve_verdict import judge
from models.verdict import CurveVerdict, EvidenceFor
from tasks.published import published
from tasks.verb import in_flow_run, tell, verb
from warehouse.curve_files import CurveFile, read_curves_file
from warehouse.curve_names import CurveColumns

__all__ = ["CurveColumns", "CurveVerdict", "judge_curves"]

_ROLES: tuple[Role, ...] = (
    "train_loss", "train_hr", "probe_loss", "probe_hr", "validation_loss", "validation_hr", "lr", "grad_norm",
)  # fmt: skip


@verb
def judge_curves(
    file: str, columns: CurveColumns, evaluations_per_epoch: int | None, validation_windows: int | None
) -> CurveVerdict:
    """Read a file's curves, judge them, and publish the verdict where there is a flow run."""
    read = read_curves_file(Path(file).expanduser(), columns)
    tell("curves: " + ", ".join(f"{role.replace('_', ' ')} is {name!r}" for role, name in read.roles.items()))
    given, period = timed(_runs(read), evaluations_per_epoch, validation_windows)
    verdict = judge(given, period)
    if in_flow_run():
        with published("the verdict on the curves"):
            create_markdown_artifact(markdown=verdict_page(verdict, file), key="curve-verdict", description=file)
    return verdict


def verdict_page(verdict: CurveVerdict, file: str) -> str:
    """Return a verdict as markdown: the answer, then tables of the curves and of the hypotheses."""
    curves = "\n".join(
        f"| {one.curve} | {_cell(one.excess)} | {_cell(one.low)} to {_cell(one.high)} | {one.direction} |"
        f" {_cell(one.share_of_variance)} | {one.boundaries} |"
        for one in verdict.sawtooth
    )
    rows = "\n".join(
        f"| {one.id} | {one.support:.0%} | {one.name} | {_facts(one.evidence)} |" for one in verdict.hypotheses
    )
    return (
        f"# {verdict.headline()}\n\n`{file}`. Is it an issue: **{verdict.is_issue.replace('_', ' ')}**.\n\n"
        f"- Train: {verdict.train_side}\n- Validation: {verdict.validation_side}\n"
        f"- Advice: {verdict.advice}\n- Next: {verdict.next_experiment}\n- Period: {verdict.period}\n\n"
        "## Sawtooth\n\n| curve | jump at the boundary | 95 % interval | direction | share of variance | boundaries |\n"
        f"|---|---|---|---|---|---|\n{curves}\n\n"
        f"## Hypotheses\n\n| | support | what | evidence (odds) |\n|---|---|---|---|\n{rows}\n"
    )


def _facts(evidence: tuple[EvidenceFor, ...]) -> str:
    facts = [f"{one.statement} (x {one.ratio:g})" for one in evidence]
    return "; ".join(facts).replace("|", "\\|")


def _cell(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.4g}"


def _runs(read: CurveFile) -> list[dict[Role, Series]]:
    """Return each run's series by role, in the file's order of runs."""
    names = {name: role for role in _ROLES if (name := read.roles.get(role)) is not None}
    wanted = read.values.filter(pl.col("name").is_in(list(names)))
    runs: dict[str, dict[Role, Series]] = {}
    for (run, name), rows in wanted.group_by("run", "name", maintain_order=True):
        series = Series(
            step_N=rows["step"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
            epoch_N=rows["epoch"].fill_null(float("nan")).to_numpy(),
            value_N=rows["value"].to_numpy(),
        )
        runs.setdefault(str(run), {})[names[str(name)]] = series
    return list(runs.values())
