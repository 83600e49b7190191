"""The curves of a study: means over seeds, and those of several arms beside each other."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from warehouse.figures import ESTIMATORS, blank, boundaries, dressed, png_of, values_of, view


def over_seeds(points: pl.DataFrame) -> pl.DataFrame:
    """Return the mean over an arm's seeds at each evaluation, with the least and greatest as its bounds.

    Parameters
    ----------
    points
        Evaluations of runs: arm, lr, seed, step, epoch, phase, estimator, metric, value, ci_low, ci_high. Where there
        is one seed its own interval stays.
    """
    place = ["arm", "lr", "step", "epoch", "phase", "estimator", "metric"]
    is_one = pl.len() == 1
    return points.group_by(place, maintain_order=True).agg(
        pl.when(is_one).then(pl.col("ci_low").first()).otherwise(pl.col("value").min()).alias("ci_low"),
        pl.when(is_one).then(pl.col("ci_high").first()).otherwise(pl.col("value").max()).alias("ci_high"),
        pl.col("value").mean(),
    )


def multiples_figure(points: pl.DataFrame, metrics: Sequence[str], titles: Mapping[str, str]) -> go.Figure:
    """Return arms' curves beside each other on one scale: a column an arm, a row a metric.

    Parameters
    ----------
    points
        Of `over_seeds`.
    metrics
        From top to bottom.
    titles
        Each arm's column, from left to right.
    """
    figure = make_subplots(
        rows=len(metrics), cols=len(titles), shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.02,
        vertical_spacing=0.06, column_titles=list(titles.values()),
    )  # fmt: skip
    for row, metric in enumerate(metrics, start=1):
        later = [view(_of_arm(points, arm, metric)) for arm in titles]
        bounds = [window for window in later if window]
        for column, arm in enumerate(titles, start=1):
            for trace in _lines(_of_arm(points, arm, metric), legend=row == column == 1):
                figure.add_trace(trace, row=row, col=column)
        if bounds:
            figure.update_yaxes(range=[min(low for low, _ in bounds), max(high for _, high in bounds)], row=row)
        figure.update_yaxes(title_text=metric, row=row, col=1)
    figure.update_xaxes(title_text="epochs", row=len(metrics))
    dressed(figure, 110 + 230 * len(metrics))
    figure.update_layout(hovermode="closest", margin={"t": 56}, legend={"y": 1.07})
    return figure


def multiples_png(points: pl.DataFrame, metrics: Sequence[str], titles: Mapping[str, str]) -> bytes:
    """Draw what `multiples_figure` shows; parameters as there."""
    figure = blank(0.8 + 2.4 * len(metrics))
    grid = figure.subplots(len(metrics), len(titles), sharex=True, sharey="row", squeeze=False)
    for axes, metric in zip(grid, metrics, strict=True):
        windows = [window for arm in titles if (window := view(_of_arm(points, arm, metric)))]
        for axis, arm in zip(axes, titles, strict=True):
            rows = _of_arm(points, arm, metric)
            for boundary in boundaries(rows):
                axis.axvline(boundary, color="#d5d8dd", linewidth=0.8, zorder=0)
            for estimator, (name, colour) in ESTIMATORS.items():
                one = rows.filter(pl.col("estimator") == estimator)
                axis.plot(values_of(one, "epoch"), values_of(one, "value"), color=colour, linewidth=1.4, label=name)
            axis.spines[["top", "right"]].set_visible(False)
        if windows:
            axes[0].set_ylim(min(low for low, _ in windows), max(high for _, high in windows))
        axes[0].set_ylabel(metric)
    for axis, title in zip(grid[0], titles.values(), strict=True):
        axis.set_title(title, fontsize=10.5)
    for axis in grid[-1]:
        axis.set_xlabel("epochs")
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=10.5)
    return png_of(figure)


def _of_arm(points: pl.DataFrame, arm: str, metric: str) -> pl.DataFrame:
    return points.filter((pl.col("arm") == arm) & (pl.col("metric") == metric)).sort("step")


def _lines(rows: pl.DataFrame, *, legend: bool) -> list[go.Scatter]:
    found = [(name, colour, rows.filter(pl.col("estimator") == key)) for key, (name, colour) in ESTIMATORS.items()]
    return [
        go.Scatter(
            x=values_of(one, "epoch"), y=values_of(one, "value"), name=name, legendgroup=name, showlegend=legend,
            mode="lines", line={"color": colour, "width": 2},
        )
        for name, colour, one in found
        if len(one)
    ]  # fmt: skip
