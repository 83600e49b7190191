import pytest

from models.config import Training
from models.curves import CurvePoint, ForgettingRecord
from models.run_record import RunRecord
from tasks.predictions import predicted_quarters

LOSS_BY_AGE = {0: 4.0, 1: 5.0, 2: 6.0}


def visits(epoch: int, phase: int, counts: dict[int, int]) -> list[ForgettingRecord]:
    """Return visits of half-epoch bins of age; each age has one loss, whatever the phase."""
    return [
        ForgettingRecord(epoch, phase, 0.5 * age, 0.5 * (age + 1), LOSS_BY_AGE[age] * count, 0.0, count, 0, count)
        for age, count in counts.items()
    ]


def record(probe: dict[float, float]) -> RunRecord:
    first = [ForgettingRecord(1, phase, None, None, 700.0, 0.0, 100, 0, 100) for phase in (1, 2)]
    later = [row for epoch in (2, 3) for row in (*visits(epoch, 1, {0: 60, 1: 40}), *visits(epoch, 2, {1: 50, 2: 50}))]
    points = [
        CurvePoint(int(2 * epoch), epoch, 1 if epoch % 1 else 2, "train_probe", "loss", loss, loss, 1, None, None)
        for epoch, loss in probe.items()
    ]
    return RunRecord("r", Training(), "finished", points, [], [], [*first, *later], [], None, None)


def test_losses_that_go_by_age_alone_are_predicted_whole():
    flat = {epoch / 2: 5.0 for epoch in range(1, 7)}
    found = predicted_quarters(record(flat))
    assert found["epoch"].to_list() == [1.25, 1.75, 2.25, 2.75]
    assert found["observed"].to_list() == pytest.approx([4.4, 5.5] * 2)
    assert found["predicted"].to_list() == pytest.approx([4.4, 5.5] * 2)


def test_the_probes_slope_goes_into_the_prediction():
    falling = {epoch / 2: 5.0 - epoch for epoch in range(1, 7)}
    with_slope, without = predicted_quarters(record(falling)), predicted_quarters(record({}))
    assert without["predicted"].to_list() == pytest.approx([4.4, 5.5] * 2)
    change = with_slope["predicted"] - without["predicted"]
    assert change[0] > 0 > change[1]


def test_a_run_without_second_visits_has_no_rows():
    one = record({})
    first = [row for row in one.forgetting if row.age_low_epochs is None]
    assert predicted_quarters(RunRecord(**{**one.__dict__, "forgetting": first})).is_empty()
