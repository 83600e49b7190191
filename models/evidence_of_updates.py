"""What the optimizer's moments and steps say of the updates: whether their size has the epoch's period.

A second moment is a decaying mean: from one step to the next it keeps at least its share beta2. One that falls faster
was set to 0, whatever the gradients did. Short of that, a moment or a step that climbs inside every epoch and falls
back at every boundary, while the gradients do not, has its period from the optimizer.

Legend: E epochs, P phases.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.config import Optimizer
from models.curve_set import direction_of
from models.curves import Group, NormRecord, Quantity
from models.errors import ModelError
from models.evidence_of_norms import norm_curve
from models.hypotheses import HYPOTHESES, Evidence
from models.run_record import RunRecord
from models.sawtooth import Sawtooth, sawtooth

_SWINGS, _STILL = 0.15, 0.05
"""Jump between epochs as a share of the size itself: updates of different sizes, and updates of the same."""
_SIZES: tuple[tuple[Quantity, str], ...] = (
    ("update", "updates"),
    ("effective_step", "effective steps"),
    ("root_second_moment", "the roots of the second moments"),
)
_CLIMBERS: tuple[tuple[Quantity, str], ...] = (*_SIZES, ("first_moment", "the first moments"))
_CLIMB, _CALM = 1.5, 1.15
"""Times that a size changes inside epochs: a period that nobody overlooks, and gradients that have none."""
_FALLEN_BACK = 0.5
"""Share of a climb that the boundary must undo, on a logarithmic scale."""
_TOO_FAST = 0.9
"""Of the least that beta2 lets the root of a second moment be."""
_FEWEST_EPOCHS = 3


@dataclass(frozen=True)
class _Climb:
    """A size inside epochs."""

    group: Group
    name: str
    times: float  # last phase over first, typical of the epochs after the first


def evidence_of_updates(runs: Sequence[RunRecord]) -> list[Evidence]:
    """Look at moments and steps, inside epochs and over their ends.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    list of Evidence
        One piece, the strongest; empty where norms were not recorded.
    """
    found = _restarted(runs) or _climbing(runs) or _swinging(runs)
    return [] if found is None else [found]


def _restarted(runs: Sequence[RunRecord]) -> Evidence | None:
    """Count the epochs whose second moments begin lower than their own decay allows."""
    for run in runs:
        fallen: set[int] = set()
        for rows in _by_group(run, "root_second_moment").values():
            fallen |= {math.ceil(after.epoch - 1e-6) for before, after in pairwise(rows) if _is_cut(before, after, run)}
        n_epochs = len({math.ceil(record.epoch - 1e-6) for record in run.norms})
        if len(fallen) > 1 and len(fallen) >= (n_epochs - 1) / 2:
            statement = (
                f"second moments fall faster than their decay lets them (beta2 {run.config.optimizer.beta2:g}), in "
                f"{len(fallen)} of {n_epochs} epochs: they are set to 0, and updates begin anew"
            )
            return Evidence(statement, {name: 10 if name == "H2" else 0.3 for name in HYPOTHESES}, proves="H2")
    return None


def _is_cut(before: NormRecord, after: NormRecord, run: RunRecord) -> bool:
    keeps = _kept_a_step(run.config.optimizer)
    least = before.value * math.pow(keeps, (after.step - before.step) / 2)
    return after.value < _TOO_FAST * least


def _kept_a_step(optimizer: Optimizer) -> float:
    """Return the least share of a second moment that a step leaves of it: Adagrad's only grows."""
    return 1.0 if optimizer.name == "adagrad" else optimizer.beta2


def _climbing(runs: Sequence[RunRecord]) -> Evidence | None:
    """Find sizes of a group that climb or fall in every epoch and come back, while its gradients do not."""
    found = [
        _Climb(group, name, times)
        for quantity, name in _CLIMBERS
        for group in sorted({record.group for run in runs for record in run.norms})
        if (times := _times(runs, quantity, group)) is not None
        and _apart(times) > _CLIMB
        and _apart(_times(runs, "gradient", group, is_any=True) or math.inf) < _CALM
    ]
    if not found:
        return None
    one = max(found, key=lambda each: _apart(each.times))
    statement = (
        f"{one.name} of group {one.group} change {one.times:.2g}-fold inside every epoch and back between epochs, "
        "while its gradient norms do not"
    )
    return Evidence(statement, {"H1": 0.7, "H2": 6, "H3": 1.2, "H4": 0.7, "H5": 0.7})


def _apart(times: float) -> float:
    return max(times, 1 / times) if times > 0 else math.inf


def _times(runs: Sequence[RunRecord], quantity: Quantity, group: Group, *, is_any: bool = False) -> float | None:
    """Return by how much a size changes inside epochs after the first, if all do alike and each boundary undoes it."""
    climbs, returns = [], []
    for run in runs:
        value_EP = _table(_by_group(run, quantity).get(group, []))
        if len(value_EP) < _FEWEST_EPOCHS or value_EP.shape[1] < 2 or (value_EP <= 0).any():
            continue
        log_EP = np.log(value_EP)
        climbs += (log_EP[1:, -1] - log_EP[1:, 0]).tolist()
        returns += (log_EP[1:, 0] - log_EP[:-1, -1]).tolist()
    if not climbs:
        return None
    climb_E, typical = np.array(climbs), float(np.median(climbs))
    is_alike = bool((np.sign(climb_E) == np.sign(typical)).all())
    is_undone = bool((-np.array(returns) * np.sign(typical) > _FALLEN_BACK * abs(typical)).all())
    return math.exp(typical) if is_any or (is_alike and is_undone) else None


def _by_group(run: RunRecord, quantity: Quantity) -> dict[Group, list[NormRecord]]:
    found: dict[Group, list[NormRecord]] = defaultdict(list)
    for record in sorted(run.norms, key=lambda record: record.step):
        if record.quantity == quantity:
            found[record.group].append(record)
    return dict(found)


def _table(rows: Sequence[NormRecord]) -> NDArray[np.float64]:
    """Return (E, P) values at the ends of phases, of the epochs that have all phases."""
    last = {(math.ceil(row.epoch - 1e-6), row.phase): row.value for row in rows}
    phases = sorted({phase for _, phase in last})
    epochs = sorted({epoch for epoch, _ in last})
    whole = [[last[epoch, phase] for phase in phases] for epoch in epochs if all((epoch, p) in last for p in phases)]
    return np.array(whole, dtype=np.float64).reshape(len(whole), len(phases))


def _swinging(runs: Sequence[RunRecord]) -> Evidence | None:
    """See whether updates differ in size at the two ends of an epoch; that they do may also follow from the losses."""
    found: list[tuple[float, str, Sawtooth]] = []
    for quantity, name in _SIZES:
        curves = [one for one in (norm_curve(run, quantity) for run in runs) if len(one.value_N)]
        try:
            one = sawtooth(curves)
        except ModelError:  # no two measurements in an epoch, or an optimizer without moments
            continue
        usual = float(np.median(curves[0].value_N))
        if usual > 0:
            found.append((abs(one.excess) / usual if direction_of(one) != "none" else 0.0, name, one))
    if not found:
        return None
    part, name, _ = max(found, key=lambda each: each[0])
    if part > _SWINGS:
        statement = f"{name} change by {part:.0%} of their size between epochs"
        return Evidence(statement, {"H1": 0.9, "H2": 2.5, "H3": 1.2})
    if part < _STILL:
        sizes = "updates, effective steps and second moments" if len(found) == len(_SIZES) else "updates"
        return Evidence(f"{sizes} keep their size over the ends of epochs (within {part:.0%})", {"H2": 0.3})
    return Evidence(f"{name} change by {part:.0%} of their size between epochs, which is little", {"H2": 0.7})
