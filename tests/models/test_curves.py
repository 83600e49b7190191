"""Points made of sums."""

import torch

from models.curves import Moment, curve_points, share_point
from models.intervals import wilson
from models.metrics import MetricSums

MOMENT = Moment(step=30, epoch=1.5, phase=2)


def test_a_point_divides_once_and_keeps_its_sum_and_count() -> None:
    sums = MetricSums.of_batch(
        torch.tensor([2.0, 4.0, 0.0]), torch.tensor([1.0, 9.0, torch.inf]), torch.tensor([True, True, False]), (5,)
    )
    points = {point.metric: point for point in curve_points(sums, MOMENT, "validation")}
    loss, hr = points["loss"], points["hr@5"]
    assert (loss.step, loss.epoch, loss.phase, loss.estimator) == (30, 1.5, 2, "validation")
    assert (loss.value, loss.sum, loss.count) == (3.0, 6.0, 2)
    assert (hr.value, hr.sum, hr.count) == (1 / 3, 1.0, 3)
    assert (hr.ci_low, hr.ci_high) == wilson(1, 3)


def test_nothing_counted_has_no_value() -> None:
    for point in curve_points(MetricSums.zero((5,), torch.device("cpu")), MOMENT, "test"):
        assert (point.value, point.ci_low, point.ci_high, point.count) == (None, None, None, 0)


def test_a_share_is_part_of_the_whole() -> None:
    point = share_point(MOMENT, "test", "coverage@10", 3, 4)
    assert (point.value, point.sum, point.count, point.ci_low) == (0.75, 3, 4, None)
