import polars as pl
import pytest

from tests.warehouse import study_cases as cases
from warehouse.study_curves import multiples_figure, multiples_png, over_seeds


def test_seeds_are_averaged_and_bounded_by_the_least_and_the_greatest():
    means = over_seeds(cases.points())
    at = means.filter((pl.col("step") == 10) & (pl.col("metric") == "loss") & (pl.col("estimator") == "train_running"))
    base, fixed = (at.row(by_predicate=pl.col("arm") == arm, named=True) for arm in ("base", "fixed-order"))
    assert (base["value"], base["ci_low"], base["ci_high"]) == pytest.approx((5.2, 5.15, 5.25))
    assert (fixed["value"], fixed["ci_low"], fixed["ci_high"]) == pytest.approx((5.15, 5.13, 5.17))  # its own interval


def test_an_evaluation_stays_one_row_an_arm():
    means = over_seeds(cases.points())
    assert len(means) == 3 * 12 * 3 * 2


def test_each_arm_that_is_named_has_its_column_and_each_metric_its_row():
    arms = cases.points()["arm"].unique(maintain_order=True).to_list()[:2]
    titles = dict(zip(arms, ("one", "two"), strict=True))
    figure = multiples_figure(over_seeds(cases.points()), ("loss", "hr@10"), titles)
    assert [note.text for note in figure.layout.annotations] == ["one", "two"]
    assert len(figure.data) == 2 * 2 * 3
    assert sum(bool(trace.showlegend) for trace in figure.data) == 3
    assert all(len(trace.x) == 12 for trace in figure.data)


def test_the_png_is_the_same_for_the_same_data():
    means = over_seeds(cases.points())
    first = multiples_png(means, ("loss",), {"base": "base"})
    assert first[:4] == b"\x89PNG"
    assert multiples_png(means, ("loss",), {"base": "base"}) == first
