"""What is estimated of each arm of a study, with its interval, and the quarters that ages predict.

Every figure is made twice from the same data: as a PNG for documents, and to zoom into for the report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from warehouse.figures import GREY, blank, boundaries, dressed, png_of, values_of
from warehouse.studies import sawtooth_of

BASE, OTHER = "#D55E00", "#0072B2"


@dataclass(frozen=True)
class Estimated:
    """One arm's number with its interval; the base's is marked."""

    name: str
    value: float
    low: float | None
    high: float | None
    is_base: bool
    lr: float | None = None


@dataclass(frozen=True)
class Panel:
    """One number of many arms."""

    title: str
    unit: str
    of: tuple[Estimated, ...]


def panels(arms: Sequence[Mapping[str, Any]], cutoff: str, rates: Mapping[str, float]) -> list[Panel]:
    """Return what is estimated of the arms: the picture, the problem and the price."""
    dip, train = f"validation {cutoff}", "nats"
    rows = [
        Panel("Jump of the running train loss", train, _of(arms, rates, lambda arm: _jump(arm, "train_loss"))),
        Panel("Validation dip at the boundary", dip, _of(arms, rates, lambda arm: arm["validation_dip"])),
        Panel("Best validation less the base's", dip, _of(arms, rates, lambda arm: arm["difference"])),
    ]
    return [row for row in rows if row.of]


def _jump(arm: Mapping[str, Any], curve: str) -> dict[str, Any] | None:
    found = sawtooth_of(arm, curve)
    return {"value": found["excess"], "low": found["low"], "high": found["high"]} if found else None


def _of(arms: Sequence[Mapping[str, Any]], rates: Mapping[str, float], pick: Any) -> tuple[Estimated, ...]:
    found = [(arm, pick(arm)) for arm in arms]
    return tuple(
        Estimated(arm["name"], said["value"], said["low"], said["high"], arm["kind"] == "base", rates.get(arm["name"]))
        for arm, said in found
        if said
    )


def forest_figure(drawn: Sequence[Panel], names: Sequence[str]) -> go.Figure:
    """Return the panels side by side, an arm a line, the base first."""
    figure = make_subplots(
        rows=1, cols=len(drawn), shared_yaxes=True, subplot_titles=[panel.title for panel in drawn],
        horizontal_spacing=0.03,
    )  # fmt: skip
    for column, panel in enumerate(drawn, start=1):
        figure.add_trace(_marks(panel, [each.name for each in panel.of], "x"), row=1, col=column)
        figure.add_vline(0, line={"color": GREY, "width": 1}, row=1, col=column)
        figure.update_xaxes(title_text=panel.unit, row=1, col=column)
    figure.update_yaxes(categoryorder="array", categoryarray=list(reversed(names)))
    dressed(figure, 130 + 26 * len(names))
    figure.update_layout(showlegend=False, hovermode="closest", margin={"t": 36})
    return figure


def rates_figure(drawn: Sequence[Panel]) -> go.Figure:
    """Return the panels below each other against the learning rate, on a logarithmic axis."""
    figure = make_subplots(
        rows=len(drawn), cols=1, shared_xaxes=True, subplot_titles=[panel.title for panel in drawn],
        vertical_spacing=0.09,
    )  # fmt: skip
    for row, panel in enumerate(drawn, start=1):
        figure.add_trace(_marks(panel, [each.lr for each in panel.of], "y"), row=row, col=1)
        figure.add_hline(0, line={"color": GREY, "width": 1}, row=row, col=1)
        figure.update_yaxes(title_text=panel.unit, row=row, col=1)
    figure.update_xaxes(type="log", dtick="D2", tickformat="~g")
    figure.update_xaxes(title_text="learning rate", row=len(drawn), col=1)
    dressed(figure, 60 + 240 * len(drawn))
    figure.update_layout(showlegend=False, hovermode="closest", margin={"t": 36})
    return figure


def _marks(panel: Panel, places: Sequence[Any], along: str) -> go.Scatter:
    """Return a panel's estimates as points with bars along one axis."""
    across = "y" if along == "x" else "x"
    colours = [BASE if each.is_base else OTHER for each in panel.of]
    bars = {
        "type": "data", "symmetric": False, "thickness": 1.5, "width": 4, "color": GREY,
        "array": [0.0 if each.high is None else each.high - each.value for each in panel.of],
        "arrayminus": [0.0 if each.low is None else each.value - each.low for each in panel.of],
    }  # fmt: skip
    said = {
        along: [each.value for each in panel.of],
        across: list(places),
        f"error_{along}": bars,
        "text": [each.name for each in panel.of],
        "hovertemplate": f"%{{text}}: %{{{along}:.4f}}<extra></extra>",
    }
    return go.Scatter(mode="markers", marker={"color": colours, "size": 9}, **said)


def forest_png(drawn: Sequence[Panel], names: Sequence[str]) -> bytes:
    """Draw what `forest_figure` shows."""
    figure = blank(1.2 + 0.27 * len(names))
    axes = figure.subplots(1, len(drawn), sharey=True, squeeze=False)[0]
    heights = {name: -place for place, name in enumerate(names)}
    for axis, panel in zip(axes, drawn, strict=True):
        axis.axvline(0, color="#d5d8dd", linewidth=1, zorder=0)
        for each in panel.of:
            bounds = (each.value if each.low is None else each.low, each.value if each.high is None else each.high)
            axis.plot(bounds, [heights[each.name]] * 2, color="#8a8f98", linewidth=1.4)
            axis.plot(each.value, heights[each.name], "o", color=BASE if each.is_base else OTHER, markersize=5.5)
        axis.set_title(panel.title, fontsize=10.5)
        axis.set_xlabel(panel.unit, fontsize=9.5)
        axis.spines[["top", "right", "left"]].set_visible(False)
    axes[0].set_ylim(0.6 - len(names), 0.6)
    axes[0].set_yticks(list(heights.values()), names, fontsize=9.5)
    return png_of(figure)


def rates_png(drawn: Sequence[Panel]) -> bytes:
    """Draw what `rates_figure` shows."""
    figure = blank(0.6 + 2.6 * len(drawn))
    axes = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    for axis, panel in zip(axes, drawn, strict=True):
        axis.axhline(0, color="#d5d8dd", linewidth=1, zorder=0)
        for each in panel.of:
            bounds = (each.value if each.low is None else each.low, each.value if each.high is None else each.high)
            axis.plot([each.lr] * 2, bounds, color="#8a8f98", linewidth=1.4)
            axis.plot(each.lr, each.value, "o", color=BASE if each.is_base else OTHER, markersize=6)
        axis.set_title(panel.title, loc="left", fontsize=10.5)
        axis.set_ylabel(panel.unit, fontsize=9.5)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xscale("log")
    axes[-1].set_xlabel("learning rate")
    return png_of(figure)


def quarters_figure(quarters: pl.DataFrame) -> go.Figure:
    """Return the losses of windows that were visited before, as observed and as their ages alone predict.

    Parameters
    ----------
    quarters
        One row a phase: epoch (its middle), observed, predicted (nats).
    """
    figure = go.Figure()
    for column, colour, dash in (("observed", BASE, "solid"), ("predicted", "#009E73", "dot")):
        figure.add_trace(
            go.Scatter(
                x=values_of(quarters, "epoch"), y=values_of(quarters, column), name=column, mode="lines+markers",
                line={"color": colour, "width": 2, "dash": dash},
            )
        )  # fmt: skip
    for boundary in boundaries(quarters):
        figure.add_vline(boundary, line={"color": GREY, "width": 1}, opacity=0.35, layer="below")
    figure.update_yaxes(title_text="loss (nats)")
    figure.update_xaxes(title_text="epochs")
    return dressed(figure, 340)
