"""A run's report: one HTML page that needs nothing else, neither a network nor the store.

The page is made from plain frames and mappings. Facts that are missing are left out; facts that this module
does not know are shown under their own names. Everything is escaped but Plotly's own script and figures.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import plotly.graph_objects as go
import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from warehouse.figures import ESTIMATORS, curves_figure, curves_png, norms_figure, steps_figure, view
from warehouse.verdict_parts import for_page

MODELS = {"gru": "GRU", "successor": "Successor of the last item", "popularity": "Popularity"}
"""What each model is called, the trained one first."""
HEADLINE = "hr@10"
"""The hit rate that leads the page, where the run does not name another."""
NOT_SET = "not set"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
PLOTLY_CONFIG = {"responsive": True, "displaylogo": False, "displayModeBar": False}
KNOWN_FACTS = ("dataset_id", "source", "title", "config", "counts", "cuts", "ties", "gates", "ingest", "hashes", "hash")
"""Parts of a manifest that have their own place on the page; the settings are given apart."""


def render_report(
    *,
    run: Mapping[str, Any],
    config: Mapping[str, Any],
    dataset: Mapping[str, Any],
    points: pl.DataFrame,
    steps: pl.DataFrame,
    norms: pl.DataFrame,
    scores: pl.DataFrame,
    command: str,
    verdict: Mapping[str, Any] | None = None,
) -> str:
    """Return the whole page.

    Parameters
    ----------
    run
        run_id, dataset_id, source, size, seed, status ("finished" or "diverged"), stopped_at (step),
        started_at, wall_s, samples_per_s, device, versions.
    config
        Every setting, nested by subject.
    dataset
        The manifest: counts (`windows` by split, events, users, items), cuts (times or positions), ties
        (choice, reason, ascending_share, tied_pairs, interval), gates (each name, passed, evidence), ingest
        (files, rows, `quarantined` by reason), hashes.
    points
        Evaluations: step, epoch, phase, estimator, metric, value (loss in nats), ci_low, ci_high.
    steps
        Steps: step, epoch, loss_nats.
    norms
        Norms: step, epoch, group, quantity ("gradient" or "weight"), value.
    scores
        Final metrics: model, split, metric, value, ci_low, ci_high; may be empty.
    command
        The command that does the same again.
    verdict
        Why the curves saw: leading, hypotheses (each id, name, support, evidence), is_issue, train_side,
        validation_side, advice, next_experiment. None where the run could not be judged; `run` says why.

    Returns
    -------
    str
        HTML with plotly.js inlined (5 MB) and every point of every figure.
    """
    headline = str(run.get("metric") or HEADLINE)
    metrics = [metric for metric in ("loss", headline) if metric in points["metric"].unique()]
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            dataset=dataset,
            more_facts=flattened(other_than(dataset, KNOWN_FACTS)),
            settings={key: flattened(value) for key, value in _grouped(config).items()},
            versions=flattened(run.get("versions") or {}),
            headline=headline,
            cutoff=headline.partition("@")[2],
            standings=standings(scores, headline),
            best=best_validation(points, headline),
            jumps=jumps(points, metrics),
            tables=score_tables(scores),
            evaluations=_evaluations(points, metrics),
            clipped=any(view(points.filter(pl.col("metric") == metric)) for metric in metrics),
            stopped_epoch=_epoch_of(steps, run.get("stopped_at")),
            command=command,
            verdict=for_page(verdict) if verdict else None,
            curves_image=data_url(curves_png(points, metrics)) if metrics else None,
            plotly_js=Markup(get_plotlyjs()),  # noqa: S704 (from the plotly wheel)
            figures=_figures(points, steps, norms, metrics),
        )
    )


def flattened(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested settings or facts as rows, the keys joined by dots."""
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        rows.extend(flattened(value, name) if isinstance(value, Mapping) and value else [(name, value)])
    return rows


def other_than(values: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return a mapping without some of its keys."""
    return {key: value for key, value in values.items() if key not in keys}


def standings(scores: pl.DataFrame, metric: str = HEADLINE) -> list[dict[str, Any]]:
    """Return each model's score by one metric on the test windows, with the lengths of its bar in percent."""
    rows = scores.filter((pl.col("metric") == metric) & (pl.col("split") == "test")).to_dicts()
    if not rows:
        return []
    rows.sort(key=lambda row: _place(row["model"]))
    top = max(row["ci_high"] if row["ci_high"] is not None else row["value"] for row in rows) or 1.0
    for row in rows:
        row["name"] = MODELS.get(row["model"], row["model"])
        row["width"] = 100 * row["value"] / top
        if row["ci_low"] is not None and row["ci_high"] is not None:
            row["low"], row["high"] = 100 * row["ci_low"] / top, 100 * row["ci_high"] / top
    return rows


def best_validation(points: pl.DataFrame, metric: str = HEADLINE) -> dict[str, Any] | None:
    """Return the evaluation with the highest metric on validation (the first of equals)."""
    rows = points.filter((pl.col("estimator") == "validation") & (pl.col("metric") == metric))
    rows = rows.filter(pl.col("value").is_finite()).sort("value", "step", descending=[True, False])
    return rows.row(0, named=True) if len(rows) else None


def jumps(points: pl.DataFrame, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """Return, by metric and estimator, the mean changes across ends of epochs and within epochs.

    Across: from the last evaluation of an epoch to the first of the next. Within: from the first to the last
    of one. The first epoch is left out: everything falls in it.
    """
    rows = []
    for metric in metrics:
        for estimator, (name, colour) in ESTIMATORS.items():
            chosen = points.filter((pl.col("metric") == metric) & (pl.col("estimator") == estimator))
            across, within = _changes(chosen.sort("step"))
            if len(across):
                row = {"metric": metric, "name": name, "colour": colour, "count": len(across)}
                rows.append(row | {"across": across.mean(), "within": within.mean()})
    return rows


def _changes(curve: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return one curve's changes across each end of an epoch, and within each epoch; the first epoch left out."""
    nothing = pl.Series(dtype=pl.Float64)
    if len(curve) == 0 or curve["phase"].max() == 1:
        return nothing, nothing
    epoch, last = (pl.col("epoch") - 1e-6).floor(), pl.lit(curve["phase"].max())
    ends = (
        curve.filter(epoch >= 1)
        .group_by(epoch.alias("of"), maintain_order=True)
        .agg(
            pl.col("value").filter(pl.col("phase") == 1).first().alias("first"),
            pl.col("value").filter(pl.col("phase") == last).last().alias("last"),
        )
    )
    return (ends["first"] - ends["last"].shift()).drop_nulls(), (ends["last"] - ends["first"]).drop_nulls()


def score_tables(scores: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return, for each split, its models and the scores by metric and model."""
    tables: dict[str, dict[str, Any]] = {}
    for row in scores.to_dicts():
        table = tables.setdefault(row["split"], {"models": {}, "metrics": {}})
        table["models"][row["model"]] = MODELS.get(row["model"], row["model"])
        table["metrics"].setdefault(row["metric"], {})[row["model"]] = row
    for table in tables.values():
        table["models"] = dict(sorted(table["models"].items(), key=lambda pair: _place(pair[0])))
    return dict(sorted(tables.items()))


def _place(model: str) -> tuple[int, str]:
    return (list(MODELS).index(model) if model in MODELS else len(MODELS), model)


def _grouped(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    plain = {key: value for key, value in config.items() if not isinstance(value, Mapping)}
    nested = {key: value for key, value in config.items() if isinstance(value, Mapping)}
    return ({"general": plain} if plain else {}) | nested


def _epoch_of(steps: pl.DataFrame, step: int | None) -> float | None:
    rows = steps.filter(pl.col("step") <= step) if step is not None else steps.clear()
    return rows.sort("step")["epoch"][-1] if len(rows) else None


def _evaluations(points: pl.DataFrame, metrics: Sequence[str]) -> dict[str, Any]:
    """Return every evaluation as a row, a column for each metric and estimator."""
    columns = [(metric, estimator) for metric in metrics for estimator in ESTIMATORS]
    values = {(row["step"], row["metric"], row["estimator"]): row["value"] for row in points.to_dicts()}
    places = points.select("step", "epoch", "phase").unique("step").sort("step").to_dicts()
    return {
        "columns": [f"{metric}, {ESTIMATORS[estimator][0]}" for metric, estimator in columns],
        "rows": [place | {"values": [values.get((place["step"], *column)) for column in columns]} for place in places],
    }


def _figures(
    points: pl.DataFrame, steps: pl.DataFrame, norms: pl.DataFrame, metrics: Sequence[str]
) -> dict[str, Markup]:
    figures: dict[str, go.Figure] = {}
    if metrics:
        figures["curves"] = curves_figure(points, metrics)
    if len(steps):
        figures["steps"] = steps_figure(steps)
    figures |= {
        quantity: norms_figure(norms, quantity)
        for quantity in ("gradient", "weight")
        if quantity in norms["quantity"].unique()
    }
    return {name: embedded(figure, name) for name, figure in figures.items()}


def embedded(figure: go.Figure, name: str) -> Markup:
    """Return a figure as HTML for a page that has plotly.js inside."""
    html = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=f"figure-{name}",
        config=PLOTLY_CONFIG,
        include_mathjax=False,
    )
    return Markup(html)  # noqa: S704 (Plotly escapes its data)


def data_url(png: bytes) -> str:
    """Return a PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def environment() -> Environment:
    """Return what renders the templates: escaping, strict about what is missing."""
    made = Environment(
        loader=PackageLoader("warehouse", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.filters.update(shown=shown, share=share, duration=duration)
    made.globals.update(flattened=flattened, other_than=other_than)
    return made


def shown(value: Any) -> str:
    """Return a fact for people: 1,234,567; 0.3121; 2011-10-01 12:00:00 UTC; lists by commas; "not set"."""
    if value is None or value == "":
        return NOT_SET
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if isinstance(value, datetime):
        return shown(value.isoformat(timespec="seconds"))
    if isinstance(value, str) and _TIME.fullmatch(value):
        return value[:19].replace("T", " ") + (" UTC" if value.endswith(("Z", "+00:00")) else value[19:])
    if isinstance(value, list | tuple):
        return ", ".join(shown(part) for part in value) or NOT_SET
    return NOT_SET if isinstance(value, Mapping) else str(value)


def share(value: float | None, digits: int = 1) -> str:
    """Return a share (0 to 1) as percent."""
    return NOT_SET if value is None else f"{100 * value:.{digits}f}%"


def duration(seconds: float | None) -> str:
    """Return seconds as the two largest of hours, minutes and seconds."""
    if seconds is None:
        return NOT_SET
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
