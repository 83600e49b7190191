"""Every point is drawn, compactly, and the sawtooth is not pressed flat by the first epoch."""

import io
import json

import matplotlib.image
import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

from warehouse.figures import boundaries, curves_figure, curves_png, norms_figure, steps_figure, view


def curve_points(epochs: int = 6, phases: int = 4) -> pl.DataFrame:
    rows = []
    for number in range(1, epochs * phases + 1):
        epoch, phase = number / phases, (number - 1) % phases + 1
        for place, estimator in enumerate(("train_running", "train_probe", "validation")):
            loss = 5.0 + place + 3 * np.exp(-3 * epoch) + 0.1 * phase * (estimator == "train_running")
            at = {"step": number * 244, "epoch": epoch, "phase": phase, "estimator": estimator}
            rows.append(at | {"metric": "loss", "value": loss, "ci_low": loss - 0.02, "ci_high": loss + 0.02})
            rows.append(at | {"metric": "hr@10", "value": 1 / loss, "ci_low": None, "ci_high": None})
    return pl.DataFrame(rows, infer_schema_length=None)


def step_losses(count: int) -> pl.DataFrame:
    number = np.arange(1, count + 1)
    return pl.DataFrame({"step": number, "epoch": number / 976, "loss_nats": 5 + np.sin(number)})


def trace_of(figure: go.Figure, name: str) -> go.Scatter:
    return next(trace for trace in figure.data if trace.name == name)


def test_the_png_is_1100_wide_and_small() -> None:
    png = curves_png(curve_points())
    pixels = matplotlib.image.imread(io.BytesIO(png), format="png")
    assert pixels.shape[1] == 1100
    assert pixels[..., :3].std() > 0.02
    assert len(png) < 125_000


def test_the_same_points_give_the_same_png() -> None:
    assert curves_png(curve_points(2)) == curves_png(curve_points(2))


@pytest.mark.parametrize("points", [curve_points(1, 1), curve_points(1), curve_points().clear(), curve_points(80, 1)])
def test_few_no_and_many_points_are_drawn(points: pl.DataFrame) -> None:
    assert curves_png(points).startswith(b"\x89PNG")
    curves_figure(points).to_json()


def test_values_that_are_not_finite_are_drawn_as_gaps() -> None:
    points = curve_points().with_columns(
        pl.when(pl.col("step") > 4_000).then(float("inf")).otherwise(pl.col("value")).alias("value")
    )
    assert curves_png(points).startswith(b"\x89PNG")
    curves_figure(points).to_json()


def test_curves_hold_every_evaluation_and_mark_the_first_of_each_epoch() -> None:
    points = curve_points()
    trace = trace_of(curves_figure(points), "train, running")
    expected = points.filter((pl.col("estimator") == "train_running") & (pl.col("metric") == "loss"))
    np.testing.assert_allclose(trace.x, expected["epoch"])
    np.testing.assert_allclose(trace.y, expected["value"], rtol=1e-6)
    assert [symbol == "circle-open" for symbol in trace.marker.symbol] == (expected["phase"] == 1).to_list()


def test_intervals_are_shaded_where_known() -> None:
    shaded = [trace for trace in curves_figure(curve_points()).data if trace.fill == "toself"]
    assert sorted(len(trace.x) for trace in shaded) == [0, 0, 0, 48, 48, 48]


def test_steps_are_not_thinned_and_120_000_of_them_stay_small() -> None:
    count = 120_000
    figure = steps_figure(step_losses(count))
    trace = trace_of(figure, "each step")
    assert (len(trace.x), len(trace.y), trace.type) == (count, count, "scattergl")
    assert len(json.dumps(figure.to_plotly_json(), default=list)) > 0
    assert len(figure.to_json()) < 1_500_000
    assert np.isclose(np.mean(trace_of(figure, "mean of 800 steps").y), 5, atol=0.01)


@pytest.mark.parametrize("count", [0, 1, 2, 601])
def test_few_steps_are_drawn_by_svg(count: int) -> None:
    figure = steps_figure(step_losses(count))
    assert {trace.type for trace in figure.data} == {"scatter"}
    assert len(figure.data[0].y) == count


def test_tables_may_have_more_columns() -> None:
    run = pl.lit("0123abcd").alias("run_id")
    assert len(steps_figure(step_losses(601).with_columns(run)).data) == 2
    assert len(curves_figure(curve_points().with_columns(run)).data) == 12


def test_norms_have_a_line_a_group_and_gradients_a_logarithmic_axis() -> None:
    rows = [
        {"step": step, "epoch": step / 4, "phase": 1, "group": group, "quantity": quantity, "value": float(step)}
        for step in (1, 2, 3)
        for group in ("embedding", "gru")
        for quantity in ("gradient", "weight")
    ]
    for quantity, kind in (("gradient", "log"), ("weight", "linear")):
        figure = norms_figure(pl.DataFrame(rows), quantity)
        assert figure.layout.yaxis.type == kind
        assert [trace.name for trace in figure.data] == ["embedding", "gru"]
        np.testing.assert_allclose(figure.data[0].y, [1, 2, 3])


def test_ends_of_epochs_are_marked_and_never_more_than_forty() -> None:
    assert boundaries(curve_points(3)) == [1.0, 2.0, 3.0]
    assert boundaries(curve_points().clear()) == []
    assert boundaries(curve_points(1).filter(pl.col("epoch") < 1)) == []
    many = boundaries(pl.DataFrame({"epoch": [100.0]}))
    assert len(many) <= 40
    assert many[0] == 3.0


def test_the_frame_opens_on_what_follows_epoch_1_only_where_that_is_pressed_flat() -> None:
    losses = pl.DataFrame({"epoch": [0.5, 1.0, 1.5, 2.0], "value": [9.0, 5.0, 4.0, 4.5]})
    low, high = view(losses) or (0.0, 0.0)
    assert (3.9 < low < 4.0, 5.0 < high < 5.1) == (True, True)
    assert view(losses.with_columns(pl.Series("value", [5.1, 5.0, 4.0, 4.5]))) is None
    assert view(losses[:2]) is None
