"""A study's report: one HTML page that needs nothing else, and its main figures as PNGs.

The page is made from plain frames and mappings, as a run's is; the two share their look.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from warehouse.figures import curves_figure, curves_png
from warehouse.report import embedded, environment, flattened
from warehouse.studies import sawtooth_of
from warehouse.study_curves import multiples_figure, multiples_png, over_seeds
from warehouse.study_figures import (
    forest_figure,
    forest_png,
    panels,
    quarters_figure,
    rates_figure,
    rates_png,
)
from warehouse.verdict_parts import for_page

_MOST_BESIDE = 5


def render_study(
    *, facts: Mapping[str, Any], verdict: Mapping[str, Any], points: pl.DataFrame, quarters: pl.DataFrame
) -> tuple[str, dict[str, bytes]]:
    """Return the whole page, and its main figures as PNGs by name.

    Parameters
    ----------
    facts
        What study.json says: study_id, kind, source, size, verdict (a line), command, config, and arms, the base
        first, each with its runs (run_id, seed, command).
    verdict
        What verdict.json says, with `arms`: the outcomes, the base first.
    points
        Evaluations of all runs: arm, lr, seed, step, epoch, phase, estimator, metric, value, ci_low, ci_high.
    quarters
        Of a run of the base: epoch, observed, predicted; may be empty.

    Returns
    -------
    tuple
        HTML with plotly.js inlined (5 MB); PNGs ``curves``, ``beside`` and ``arms``.
    """
    arms, means = verdict["arms"], over_seeds(points)
    cutoff = f"hr@{facts['config']['training']['cutoffs'][0]}"
    metrics = [metric for metric in ("loss", cutoff) if metric in means["metric"].unique()]
    base = means.filter(pl.col("arm") == arms[0]["name"])
    rates = dict(points.select("arm", "lr").unique().rows())
    estimated, names = panels(arms, cutoff, rates), [arm["name"] for arm in arms]
    is_sweep = facts["kind"] == "sweep"
    figures: dict[str, go.Figure] = {"curves": curves_figure(base, metrics)}
    titles = titles_of(arms, rates, is_sweep=is_sweep)
    if len(titles) > 1:
        figures["beside"] = multiples_figure(means, metrics, titles)
    if estimated:
        figures["arms"] = rates_figure(estimated) if is_sweep else forest_figure(estimated, names)
    if len(quarters):
        figures["quarters"] = quarters_figure(quarters)
    page = (
        environment()
        .get_template("study_report.html.j2")
        .render(
            facts_of_study=facts,
            verdict=for_page(verdict),
            cutoff=cutoff,
            rows=[_row(facts, arm) for arm in arms],
            settings={key: flattened(value) for key, value in facts["config"].items()},
            seeds=len(arms[0]["seeds"]),
            plotly_js=Markup(get_plotlyjs()),  # noqa: S704 (from the plotly wheel)
            figures={name: embedded(figure, name) for name, figure in figures.items()},
        )
    )
    pngs = {"curves": curves_png(base, metrics)}
    if len(titles) > 1:
        pngs["beside"] = multiples_png(means, metrics, titles)
    if estimated:
        pngs["arms"] = rates_png(estimated) if is_sweep else forest_png(estimated, names)
    return page, pngs


def titles_of(arms: Sequence[Mapping[str, Any]], rates: Mapping[str, float], *, is_sweep: bool) -> dict[str, str]:
    """Return the arms whose curves are shown beside the base's: all rates of a sweep, else orders and rates."""
    if is_sweep:
        return {name: f"rate {rates[name]:g}" for name in sorted(rates, key=lambda name: rates[name])}
    shown = [arm["name"] for arm in arms if arm["kind"] in {"base", "order", "rate"} and arm["name"] in rates]
    return {name: name for name in shown[:_MOST_BESIDE]}


def _row(facts: Mapping[str, Any], arm: Mapping[str, Any]) -> dict[str, Any]:
    """Return an outcome as its row of the table: with its train jump, and its runs to link to."""
    runs: list[dict[str, Any]] = next((each["runs"] for each in facts["arms"] if each["name"] == arm["name"]), [])
    train = sawtooth_of(arm, "train_loss")
    said = {"value": train["excess"], "low": train["low"], "high": train["high"]} if train else None
    return {**arm, "train": said, "runs": runs}
