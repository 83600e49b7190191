"""Epochs in which arms have come equally far: their probe's loss is where the base's was in its later epochs.

An optimizer that learns more slowly saws less because it has memorised less. Only at the same train loss does a
smaller sawtooth say something of the optimizer.

Legend: N points, E epochs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from models.curve import Curve
from models.curve_set import CurveSet
from models.run_curves import curve_of, curve_set, points_of
from models.run_record import RunRecord
from models.within_epochs import slopes_within

_LEVEL = 0.95
_FEW_SEEDS = 2


@dataclass(frozen=True)
class ProgressRange:
    """The frozen probe's loss in the base's epochs from the second on, nats."""

    low: float
    high: float


def progress_range(base: Sequence[RunRecord]) -> ProgressRange | None:
    """Say what the base's probe went through after its first epoch.

    Parameters
    ----------
    base
        Its runs, one a seed.

    Returns
    -------
    ProgressRange or None
        None if the base has no probe after its first epoch.
    """
    by_run = [np.array([mean for epoch, mean in sorted(_epoch_means(run).items()) if epoch > 0]) for run in base]
    later = [mean_E for mean_E in by_run if len(mean_E)]
    if not later:
        return None
    # Half an epoch more at either end: the same training with another seed ends a little earlier or later.
    margins = [(np.abs(np.diff(mean_E))[[0, -1]] / 2).tolist() if len(mean_E) > 1 else [0, 0] for mean_E in later]
    every = np.concatenate(later)
    first, last = np.mean(margins, axis=0)
    return ProgressRange(float(every.min() - last), float(every.max() + first))


def matched_epochs(run: RunRecord, within: ProgressRange) -> frozenset[int]:
    """List the epochs whose mean probe loss is in a range.

    Parameters
    ----------
    run
        Any.
    within
        Of the base.

    Returns
    -------
    frozenset of int
        Counted from 0, the first one never: nothing has been visited before it ends.
    """
    means = _epoch_means(run).items()
    return frozenset(epoch for epoch, mean in means if epoch > 0 and within.low <= mean <= within.high)


def matched_curves(runs: Sequence[RunRecord], within: ProgressRange) -> CurveSet:
    """Cut the curves of runs to their matched epochs.

    Parameters
    ----------
    runs
        Of one arm.
    within
        Of the base.

    Returns
    -------
    CurveSet
        Runs without a matched epoch are left out.
    """
    kept = [(run, epochs) for run in runs if (epochs := matched_epochs(run, within))]
    cut = [_of_epochs(run, epochs) for run, epochs in kept]
    return curve_set(cut)


def slope_within(runs: Sequence[RunRecord], within: ProgressRange) -> tuple[float, float | None, float | None] | None:
    """Fit how the running train loss moves inside the matched epochs.

    Parameters
    ----------
    runs
        Of one arm.
    within
        Of the base.

    Returns
    -------
    tuple or None
        Mean slope (nats an epoch) and its 95 % interval, over epochs, from three seeds on over seeds; None where no
        epoch is matched and whole.
    """
    by_seed = [_slopes(run, matched_epochs(run, within)) for run in runs]
    known = [slope_E for slope_E in by_seed if len(slope_E)]
    if not known:
        return None
    units = np.array([slope_E.mean() for slope_E in known]) if len(known) > _FEW_SEEDS else np.concatenate(known)
    mean = float(units.mean())
    if len(units) < 2:
        return mean, None, None
    half = float(scipy.stats.t.ppf((1 + _LEVEL) / 2, len(units) - 1) * units.std(ddof=1)) / math.sqrt(len(units))
    return mean, mean - half, mean + half


def _slopes(run: RunRecord, epochs: frozenset[int]) -> NDArray[np.float64]:
    slope_E = slopes_within(_running(run))
    chosen = slope_E[[epoch for epoch in sorted(epochs) if epoch < len(slope_E)]]
    return chosen[np.isfinite(chosen)]


def _running(run: RunRecord) -> Curve:
    return curve_of(points_of(run, "train_running", "loss"))


def _epoch_means(run: RunRecord) -> dict[int, float]:
    probe = curve_of(points_of(run, "train_probe", "loss"))
    index_N = probe.epoch_index
    return {int(epoch): float(probe.value_N[index_N == epoch].mean()) for epoch in np.unique(index_N)}


def _of_epochs(run: RunRecord, epochs: frozenset[int]) -> RunRecord:
    def is_in(epoch: float) -> bool:
        return max(math.ceil(epoch - 1e-6) - 1, 0) in epochs

    return replace(
        run,
        points=[point for point in run.points if is_in(point.epoch)],
        steps=[step for step in run.steps if is_in(step.epoch)],
    )
