import pytest

from tests.warehouse import study_cases as cases
from warehouse.study_figures import BASE, OTHER, forest_figure, panels, quarters_figure, rates_figure

RATES = {"base": 0.003, "fixed-order": 0.003, "lr-0.01": 0.01}
NAMES = ["base", "fixed-order", "lr-0.01"]


def test_a_panel_holds_the_arms_that_have_the_number():
    jump, dip, difference = panels(cases.verdict()["arms"], "hr@10", RATES)
    assert [(each.name, each.value) for each in jump.of] == [("base", -0.3), ("fixed-order", 0.004)]
    assert [each.is_base for each in jump.of] == [True, False]
    assert [each.name for each in difference.of] == ["fixed-order"]
    assert (dip.unit, dip.of[0].low, dip.of[0].high) == ("validation hr@10", pytest.approx(-0.007), -0.001)


def test_without_any_number_there_is_no_panel():
    assert panels(cases.verdict()["arms"][2:], "hr@10", RATES) == []


def test_the_forest_lists_all_arms_with_the_base_on_top():
    figure = forest_figure(panels(cases.verdict()["arms"], "hr@10", RATES), NAMES)
    assert list(figure.layout.yaxis.categoryarray) == NAMES[::-1]
    jump = figure.data[0]
    assert list(jump.x) == [-0.3, 0.004]
    assert list(jump.marker.color) == [BASE, OTHER]
    assert list(jump.error_x.array) == pytest.approx([0.01, 0.01])
    assert list(jump.error_x.arrayminus) == pytest.approx([0.01, 0.01])


def test_an_estimate_without_interval_has_no_bar():
    arms = cases.verdict()["arms"][:1]
    arms[0]["sawtooth"] = [cases.sawtooth("train_loss", -0.3, None)]
    assert list(forest_figure(panels(arms, "hr@10", RATES), NAMES[:1]).data[0].error_x.array) == [0.0]


def test_rates_are_on_a_logarithmic_axis():
    figure = rates_figure(panels(cases.verdict()["arms"], "hr@10", RATES))
    assert figure.layout.xaxis3.type == "log"
    assert list(figure.data[0].x) == [0.003, 0.003]
    assert list(figure.data[0].y) == [-0.3, 0.004]


def test_predicted_quarters_stand_beside_the_observed():
    observed, predicted = quarters_figure(cases.quarters()).data
    assert (observed.name, predicted.name) == ("observed", "predicted")
    assert list(observed.x) == list(predicted.x) == cases.quarters()["epoch"].to_list()
    assert list(predicted.y) == pytest.approx(cases.quarters()["predicted"].to_list())
