"""What norms say of the weights: whether they grow, run away or are thrown about.

Gradients by phase are a curve of their own (`models.evidence_of_training`), updates by phase too
(`models.evidence_of_updates`).
"""

import math
from collections.abc import Sequence

import numpy as np

from models.curve import Curve, curve
from models.curve_facts import growth
from models.curves import Quantity
from models.hypotheses import HYPOTHESES, Evidence
from models.run_curves import points_of
from models.run_record import RunRecord

_GROWN = 5.0
"""Times that a norm of all weights grows after the first epoch where a training runs away."""
_ERRATIC, _FEWEST_POINTS = 3.0, 6


def evidence_of_norms(runs: Sequence[RunRecord]) -> list[Evidence]:
    """Look at the weights, measured at the ends of phases, and at the frozen probe.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    list of Evidence
        Empty where norms were not recorded.
    """
    found = (_weights(runs), _worse_than_at_first(runs), _erratic(runs))
    return [piece for piece in found if piece is not None]


def norm_curve(run: RunRecord, quantity: Quantity) -> Curve:
    """Make a curve of a norm over all groups of parameters.

    Parameters
    ----------
    run
        Any.
    quantity
        A norm is the root of the groups' sum of squares; an effective step their mean.

    Returns
    -------
    Curve
        At the last measurement of each phase, so that phases are compared at the same places of every epoch.
    """
    values: dict[tuple[int, int], dict[str, tuple[float, float]]] = {}
    for record in run.norms:
        if record.quantity == quantity:
            key = int(np.ceil(record.epoch - 1e-6)), record.phase
            values.setdefault(key, {})[record.group] = (record.epoch, record.value)  # the last one stays
    merge = np.mean if quantity == "effective_step" else np.linalg.norm
    cells = [list(groups.values()) for groups in values.values()]
    epochs = [max(epoch for epoch, _ in cell) for cell in cells]
    return curve(epochs, [float(merge([value for _, value in cell])) for cell in cells])


def _weights(runs: Sequence[RunRecord]) -> Evidence | None:
    grown = []
    for run in runs:
        one = norm_curve(run, "weight")
        later = Curve(one.epoch_N[one.epoch_N >= 1 - 1e-6], one.value_N[one.epoch_N >= 1 - 1e-6])
        if len(later.value_N) >= 3:
            grown.append(growth(later).times)
    if not grown:
        return None
    times = float(np.median(grown))
    if times > _GROWN:
        return Evidence(f"after the first epoch the norm of the weights grows {times:.1f}-fold", {"H3": 4})
    return Evidence(f"the norm of the weights grows {times:.2g}-fold after the first epoch", {"H3": 0.7})


def _worse_than_at_first(runs: Sequence[RunRecord]) -> Evidence | None:
    """See whether the weights end worse on train windows than they began."""
    for run in runs:
        probe = points_of(run, "train_probe", "loss")
        steps = [step for step in run.steps[:1] if math.isfinite(step.loss_nats)]
        if steps and len(probe) > 1 and probe[-1].value is not None and probe[-1].value > steps[0].loss_nats:
            statement = f"train windows end at a loss of {probe[-1].value:.4g}, worse than before any step"
            detail = f"{statement} ({steps[0].loss_nats:.4g}): the weights ran away"
            return Evidence(detail, {name: 10 if name == "H3" else 0.3 for name in HYPOTHESES}, proves="H3")
    return None


def _erratic(runs: Sequence[RunRecord]) -> Evidence | None:
    """Compare the way that the frozen probe's loss goes up and down with how far it comes."""
    ways = []
    for run in runs:
        value_N = np.array([point.value for point in points_of(run, "train_probe", "loss") if point.value is not None])
        if len(value_N) >= _FEWEST_POINTS:
            way, net = float(np.abs(np.diff(value_N)).sum()), abs(float(value_N[-1] - value_N[0]))
            ways.append(way / max(net, 1e-9))
    if not ways:
        return None
    times = float(np.median(ways))
    if times > _ERRATIC:
        return Evidence(f"the frozen probe's loss goes up and down, {times:.1f} times the way it comes", {"H3": 5})
    return Evidence(f"the frozen probe's loss falls steadily (way {times:.2f} times the fall)", {"H3": 0.7})
