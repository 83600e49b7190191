"""Ages and their sums against a dictionary."""

import math
from collections import defaultdict

import pytest
import torch

from models.ages import AgeLedger
from models.config import Training
from models.curves import ForgettingRecord
from models.orders import order_of
from models.state import Visits

CPU = torch.device("cpu")


def visits_of(loss: list[float], hit: list[bool], known: list[bool]) -> Visits:
    return Visits(torch.tensor(loss), torch.tensor(hit), torch.tensor(known), slice(0, len(loss)))


def test_ages_by_hand() -> None:
    ledger = AgeLedger(4, steps_per_epoch=2, device=CPU)
    found = visits_of([1.0, 3.0], [True, False], [True, True])
    ledger.visit(1, torch.tensor([0, 1]), found)
    assert ledger.tell(1, 1) == [ForgettingRecord(1, 1, None, None, 4.0, 10.0, 2, 1, 2)]
    ledger.visit(2, torch.tensor([1, 2]), found)
    assert ledger.tell(1, 2) == [
        ForgettingRecord(1, 2, 0.5, 0.625, 1.0, 1.0, 1, 1, 1),
        ForgettingRecord(1, 2, None, None, 3.0, 9.0, 1, 0, 1),
    ]
    ledger.visit(9, torch.tensor([0, 3]), visits_of([2.0, 0.0], [True, False], [True, False]))
    ledger.visit(10, torch.tensor([0, 0]), found)  # twice in a batch: both since step 9
    assert ledger.tell(5, 2) == [
        ForgettingRecord(5, 2, 0.5, 0.625, 4.0, 10.0, 2, 1, 2),
        ForgettingRecord(5, 2, 4.0, math.inf, 2.0, 4.0, 1, 1, 1),
        ForgettingRecord(5, 2, None, None, 0.0, 0.0, 0, 0, 1),
    ]
    assert ledger.tell(6, 1) == []


@pytest.mark.parametrize("name", ["reshuffle", "fixed", "reversed", "replacement", "continuous", "buffer"])
def test_sums_by_age_equal_those_of_a_dictionary(name: str) -> None:
    order = order_of(Training.model_validate({"order": name, "buffer_windows": 30}))
    n_windows, rows, per_epoch, step = 203, 16, 13, 0
    ledger, last = AgeLedger(n_windows, per_epoch, CPU), dict[int, int]()
    for epoch in range(7):
        sums: defaultdict[float, list[float]] = defaultdict(lambda: [0.0, 0, 0])
        for indices_B in torch.from_numpy(order(n_windows, 2, epoch)).split(rows):
            step += 1
            loss_B, is_hit_B = torch.rand(len(indices_B)), torch.rand(len(indices_B)) < 0.5
            ledger.visit(step, indices_B, Visits(loss_B, is_hit_B, torch.ones_like(is_hit_B), slice(0, len(loss_B))))
            for window, loss, hit in zip(indices_B.tolist(), loss_B.tolist(), is_hit_B.tolist(), strict=True):
                age = (step - last[window]) * 8 // per_epoch / 8 if window in last else -1.0
                for place, value in enumerate((loss, hit, 1)):
                    sums[min(age, 4.0)][place] += value
            last |= dict.fromkeys(indices_B.tolist(), step)
        told = {
            -1.0 if row.age_low_epochs is None else row.age_low_epochs: [row.loss_sum, row.hits, row.count]
            for row in ledger.tell(epoch + 1, 1)
        }
        assert told == {age: pytest.approx(values) for age, values in sums.items()}


def test_five_million_windows_take_four_bytes_each() -> None:
    ledger = AgeLedger(5_500_000, 21_485, CPU)
    assert ledger.last_step_W.element_size() == 4
    step = 200_000_000  # ten thousand epochs: eighths still fit
    ledger.last_step_W[7] = 1
    ledger.visit(step, torch.tensor([7]), visits_of([1.0], [True], [True]))
    assert ledger.tell(9_999, 1)[0].age_low_epochs == 4.0
