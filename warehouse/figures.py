"""The pictures of a run: one PNG for an artifact, and figures to zoom into for the report.

Colours are Okabe and Ito's, told apart by colour-blind readers, and legible on white and on near-black. Every
figure is drawn from the frames as they are: no point is left out or thinned. Where the first epoch would
press all that follows into a line, the frame opens on what follows (and says so); zooming out shows the rest.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from numpy.typing import NDArray
from plotly.subplots import make_subplots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ESTIMATORS: dict[str, tuple[str, str]] = {
    "train_running": ("train, running", "#D55E00"),
    "train_probe": ("train, frozen probe", "#0072B2"),
    "validation": ("validation", "#009E73"),
}
"""What each estimator is called in a legend, and its colour."""
GROUP_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#777777")
UNITS = {"loss": "loss (nats)", "gradient": "gradient norm", "weight": "weight norm"}
GREY = "#8a8f98"
MOST_BOUNDARIES = 40
MOST_SVG_POINTS = 20_000
"""Up to this many points a line is drawn by SVG, which prints and needs no graphics driver; beyond, by
WebGL."""


def curves_png(points: pl.DataFrame, metrics: Sequence[str] = ("loss", "hr@10")) -> bytes:
    """Draw each metric's curves below each other, 1100 pixels wide.

    Parameters
    ----------
    points
        One row per evaluation, estimator and metric: step, epoch (epochs completed), phase (1 is the first
        evaluation of an epoch), estimator, metric, value (loss in nats), ci_low, ci_high (may be null).
    metrics
        Which metrics, from top to bottom.

    Returns
    -------
    bytes
        A PNG.
    """
    figure = blank(0.8 + 2.6 * len(metrics))
    panels = figure.subplots(len(metrics), 1, sharex=True, squeeze=False)[:, 0]
    for panel, metric in zip(panels, metrics, strict=True):
        _draw_panel(panel, points.filter(pl.col("metric") == metric).sort("step"), metric)
    panels[-1].set_xlabel("epochs completed")
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        handles.append(panels[0].plot([], [], "o", color="white", markeredgecolor="#444444", markersize=8)[0])
        labels.append("first evaluation of an epoch")
        figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=10.5)
    return png_of(figure)


def blank(height: float) -> "Figure":
    """Return a figure to draw on, 11 by ``height`` inches at 100 dots an inch.

    Matplotlib is imported here: a night that is answered from the store draws nothing and need not wait for it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: "Figure") -> bytes:
    """Return a drawn figure as a PNG that is the same for the same data."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None}, pil_kwargs={"optimize": True})
    return file.getvalue()


def _draw_panel(panel: "Axes", points: pl.DataFrame, metric: str) -> None:
    for boundary in boundaries(points):
        panel.axvline(boundary, color="#d5d8dd", linewidth=0.9, zorder=0)
    for estimator, (name, colour) in ESTIMATORS.items():
        rows = points.filter(pl.col("estimator") == estimator)
        if rows.is_empty():
            continue
        x, y = values_of(rows, "epoch"), values_of(rows, "value")
        panel.fill_between(
            x, values_of(rows, "ci_low"), values_of(rows, "ci_high"), color=colour, alpha=0.15, linewidth=0
        )
        panel.plot(x, y, "-o", color=colour, linewidth=1.6, markersize=3, label=name)
        first = values_of(rows, "phase") == 1
        panel.plot(x[first], y[first], "o", color="white", markeredgecolor=colour, markeredgewidth=1.8, markersize=8)
    window = view(points)
    if window is not None:
        panel.set_ylim(*window)
        panel.set_title("epoch 1 is partly off the scale", loc="right", fontsize=9, color="#5b626c")
    panel.set_ylabel(UNITS.get(metric, metric), fontsize=11)
    panel.spines[["top", "right"]].set_visible(False)
    panel.margins(x=0.015)


def curves_figure(points: pl.DataFrame, metrics: Sequence[str] = ("loss", "hr@10")) -> go.Figure:
    """Return the same curves to zoom into, with their intervals shaded; parameters as for `curves_png`."""
    figure = make_subplots(rows=len(metrics), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for row, metric in enumerate(metrics, start=1):
        chosen = points.filter(pl.col("metric") == metric).sort("step")
        for trace in _curve_traces(chosen, legend=row == 1):
            figure.add_trace(trace, row=row, col=1)
        for boundary in boundaries(chosen):
            figure.add_vline(boundary, line={"color": GREY, "width": 1}, opacity=0.35, layer="below", row=row, col=1)
        window = view(chosen)
        figure.update_yaxes(
            title_text=UNITS.get(metric, metric), range=list(window) if window else None, row=row, col=1
        )
    figure.update_xaxes(title_text="epochs completed", row=len(metrics), col=1)
    return dressed(figure, 90 + 270 * len(metrics))


def _curve_traces(points: pl.DataFrame, *, legend: bool) -> list[go.Scatter]:
    traces = []
    for estimator, (name, colour) in ESTIMATORS.items():
        rows = points.filter(pl.col("estimator") == estimator)
        if rows.is_empty():
            continue
        known = rows.drop_nulls(["ci_low", "ci_high"])
        x, low, high = values_of(known, "epoch"), values_of(known, "ci_low"), values_of(known, "ci_high")
        traces.append(
            go.Scatter(
                x=np.concatenate([x, x[::-1]]),
                y=np.concatenate([high, low[::-1]]),
                fill="toself",
                fillcolor=_faint(colour),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                legendgroup=estimator,
            )
        )
        first = values_of(rows, "phase") == 1
        traces.append(
            go.Scatter(
                x=values_of(rows, "epoch"),
                y=values_of(rows, "value"),
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2},
                marker={
                    "color": colour,
                    "size": np.where(first, 10, 5),
                    "symbol": np.where(first, "circle-open", "circle").tolist(),
                    "line": {"width": np.where(first, 2, 0)},
                },
                hovertemplate="epoch %{x:.2f}: %{y:.4f}",
                showlegend=legend,
                legendgroup=estimator,
            )
        )
    return traces


def steps_figure(steps: pl.DataFrame) -> go.Figure:
    """Return the loss of every step, and its mean over blocks of steps.

    Parameters
    ----------
    steps
        One row per step: step, epoch (epochs completed), loss_nats.
    """
    steps = steps.sort("step").select("epoch", "loss_nats")
    epoch, loss = values_of(steps, "epoch"), values_of(steps, "loss_nats")
    size = max(1, len(steps) // 150)
    last = max(len(steps) // size - 1, 0)
    blocks = steps.group_by((pl.int_range(pl.len()) // size).clip(upper_bound=last), maintain_order=True).mean()
    kind = go.Scatter if len(steps) <= MOST_SVG_POINTS else go.Scattergl
    figure = go.Figure()
    figure.add_trace(
        kind(
            x=epoch,
            y=loss,
            name="each step",
            mode="lines",
            line={"color": "#9fb6c9", "width": 1},
            opacity=0.6,
        )
    )
    if size > 1:
        figure.add_trace(
            kind(
                x=values_of(blocks, "epoch"),
                y=values_of(blocks, "loss_nats"),
                name=f"mean of {size} steps",
                mode="lines",
                line={"color": "#D55E00", "width": 2},
            )
        )
    for boundary in boundaries(steps):
        figure.add_vline(boundary, line={"color": GREY, "width": 1}, opacity=0.35, layer="below")
    figure.update_yaxes(title_text=UNITS["loss"], range=_robust(loss[len(loss) // 50 :]))
    figure.update_xaxes(title_text="epochs completed")
    return dressed(figure, 340)


def norms_figure(norms: pl.DataFrame, quantity: str) -> go.Figure:
    """Return the norms of one quantity by group of weights; gradients on a logarithmic axis.

    Parameters
    ----------
    norms
        One row per evaluation, group and quantity: epoch (epochs completed), group, quantity, value.
    quantity
        "gradient" or "weight".
    """
    chosen = norms.filter(pl.col("quantity") == quantity).sort("step")
    groups = chosen["group"].unique(maintain_order=True).to_list()
    figure = go.Figure()
    for place, group in enumerate(groups):
        rows = chosen.filter(pl.col("group") == group)
        colour = GROUP_COLOURS[place % len(GROUP_COLOURS)]
        figure.add_trace(
            go.Scatter(
                x=values_of(rows, "epoch"),
                y=values_of(rows, "value"),
                name=group,
                mode="lines+markers",
                line={"color": colour, "width": 2},
                marker={"size": 4},
            )
        )
    scale = "log" if quantity == "gradient" else "linear"
    figure.update_yaxes(title_text=UNITS.get(quantity, quantity), type=scale)
    if scale == "log":
        figure.update_yaxes(dtick="D2", tickformat="~g")
    figure.update_xaxes(title_text="epochs completed")
    return dressed(figure, 340)


def boundaries(points: pl.DataFrame) -> list[float]:
    """Return the ends of epochs to mark, each or (beyond 40) every so many."""
    last = points["epoch"].max()
    whole = int(float(str(last)) + 1e-6) if last is not None else 0
    every = -(-whole // MOST_BOUNDARIES) or 1
    return [float(epoch) for epoch in range(every, whole + 1, every)]


def view(points: pl.DataFrame) -> tuple[float, float] | None:
    """Return the range of what follows epoch 1, where epoch 1 takes up most of the whole range; else None."""
    if len(points) == 0 or points["epoch"].max() < 2 - 1e-6:  # type: ignore[operator]
        return None
    values = values_of(points, "value")
    later = values[values_of(points, "epoch") > 1 - 1e-6]
    later = later[np.isfinite(later)]
    if len(later) < 2 or np.ptp(later) == 0 or np.nanmax(values) - np.nanmin(values) < 1.4 * np.ptp(later):
        return None
    margin = 0.06 * float(np.ptp(later))
    return float(later.min()) - margin, float(later.max()) + margin


def _robust(values: NDArray[np.float32]) -> list[float] | None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = (float(value) for value in np.quantile(finite, [0.0005, 0.9995]))
    margin = 0.05 * (high - low) or 1.0
    return [low - margin, high + margin]


def values_of(rows: pl.DataFrame, column: str) -> NDArray[np.float32]:
    """Return a column as float32 (null: NaN), which Plotly stores as packed bytes instead of text."""
    return rows[column].cast(pl.Float32).fill_null(float("nan")).to_numpy()


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"


def dressed(figure: go.Figure, height: int) -> go.Figure:
    """Return a figure in the look of the reports."""
    grid: dict[str, Any] = {"gridcolor": "rgba(138,143,152,0.18)", "zeroline": False, "automargin": True}
    figure.update_xaxes(**grid)
    figure.update_yaxes(**grid)
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#5b626c"},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0},
        hovermode="x unified",
        dragmode="zoom",
        template="none",
    )
    return figure
