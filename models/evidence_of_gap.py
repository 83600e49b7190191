"""What the running loss less the frozen probe says: by how much it depends on the place in the epoch.

Where every visit is a random one, with replacement or by an order that knows no epochs, the windows of all parts of an
epoch are alike, so the two estimators, both at the middle of a phase, keep one distance but for noise. A distance that
changes with the phase then is in how one of them is made: which sums, which mode of the network.

In a fixed order all windows have one age as well. There the parts of an epoch hold windows of their own, harder or
easier by chance, and each is visited once more from epoch to epoch, which leaves a slope inside epochs; only what
goes far beyond both counts.

Legend: E epochs, P phases, N cells of both, K columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from models.curve_set import Measured, direction_of
from models.curves import CurvePoint
from models.evidence_of_quarters import evidence_of_quarters
from models.hypotheses import HYPOTHESES, Evidence
from models.run_curves import points_of
from models.run_record import RunRecord

_RANDOM = frozenset({"replacement", "continuous"})
_SURE = 1e-4
_A_PART = 0.3
"""Share of the train jump from which on the probe's own counts as the cause."""
_MATERIAL, _FAR = 0.02, 0.05
"""Shares of the loss by which phases differ: beyond what passes for equal, and beyond what memory of one age makes."""
_FEWEST_EPOCHS, _FEWEST_PHASES = 3, 3


@dataclass(frozen=True)
class GapTable:
    """Running loss less probe, both at the middle of each phase, epochs after the first."""

    gap_EP: NDArray[np.float64]  # nats
    error_EP: NDArray[np.float64]  # standard error of which windows a phase holds; NaN where unknown
    probe_EP: NDArray[np.float64]  # nats, at the middles


@dataclass(frozen=True)
class _Apart:
    """How far the distance differs between phases."""

    numbers: str
    is_sure: bool


def evidence_of_gap(runs: Sequence[RunRecord], measured: Measured) -> list[Evidence]:
    """Test whether the distance of the running loss from the frozen probe depends on the phase.

    Parameters
    ----------
    runs
        Of one training.
    measured
        Their curves: a probe or a rate that saws has a cause of its own.

    Returns
    -------
    list of Evidence
        Empty unless the order is random throughout, or fixed.
    """
    order = runs[0].config.order if runs else "reshuffle"
    tables = [table for run in runs if (table := gap_table(run)) is not None]
    if not tables or order not in _RANDOM | {"fixed"} or _swings(measured):
        return []
    apart = _random(tables) if order in _RANDOM else _fixed(tables)
    if apart is None:
        return []
    if not apart.is_sure:
        statement = f"the running loss keeps its distance from the frozen probe in all phases, {apart.numbers}"
        return [Evidence(statement, {"H4": 0.7})]
    statement = f"all parts of an epoch are visited at the same ages, and yet the running loss {apart.numbers}"
    if _is_alike(runs):
        detail = f"{statement}: its parts are alike as data, so it is how they are measured that differs"
        return [Evidence(detail, {name: 10 if name == "H4" else 0.3 for name in HYPOTHESES}, proves="H4")]
    return [Evidence(statement, {"H1": 0.3, "H2": 0.5, "H4": 6, "H5": 2, "H8": 0.3})]


def _swings(measured: Measured) -> bool:
    """Return whether the frozen probe or the rate has the epoch's period too: then the cause is there."""
    if "lr" in measured.sawtooth and direction_of(measured.sawtooth["lr"]) != "none":
        return True
    part = measured.part_of_train("probe")
    if part is None:
        return measured.tilt("probe") in {"better", "worse"}
    return max(abs(bound) for bound in part) > _A_PART


def _is_alike(runs: Sequence[RunRecord]) -> bool:
    """Return whether the parts of an epoch were compared as data and did not differ."""
    found = evidence_of_quarters(runs)
    return bool(found) and all(piece.ratios.get("H5", 1.0) < 1 for piece in found)


def gap_table(run: RunRecord) -> GapTable | None:
    """Subtract the probe from the running loss.

    Parameters
    ----------
    run
        Any.

    Returns
    -------
    GapTable or None
        None without three whole epochs after the first, of three phases at least.
    """
    running = {_cell(point): point for point in points_of(run, "train_running", "loss")}
    probe = {_cell(point): point for point in points_of(run, "train_probe", "loss")}
    phases = sorted({phase for _, phase in running})
    before = {cell: last for last, cell in zip(sorted(probe)[:-1], sorted(probe)[1:], strict=True)}
    epochs = [
        epoch
        for epoch in sorted({epoch for epoch, _ in running})
        if epoch > 1 and all((epoch, phase) in running and (epoch, phase) in before for phase in phases)
    ]
    if len(epochs) < _FEWEST_EPOCHS or len(phases) < _FEWEST_PHASES:
        return None
    cells = [[(epoch, phase) for phase in phases] for epoch in epochs]
    middle_EP = np.array([[(_value(probe[cell]) + _value(probe[before[cell]])) / 2 for cell in row] for row in cells])
    running_EP = np.array([[_value(running[cell]) for cell in row] for row in cells])
    error_EP = np.array([[_error(running[cell]) for cell in row] for row in cells])
    if not (np.isfinite(running_EP).all() and np.isfinite(middle_EP).all()):
        return None
    return GapTable(running_EP - middle_EP, error_EP, middle_EP)


def _cell(point: CurvePoint) -> tuple[int, int]:
    return int(np.ceil(point.epoch - 1e-6)), point.phase


def _value(point: CurvePoint) -> float:
    return np.nan if point.value is None else point.value


def _error(point: CurvePoint) -> float:
    is_known = point.ci_high is not None and point.value is not None
    return (point.ci_high - point.value) / 1.96 if is_known else np.nan  # type: ignore[operator]


def _random(tables: Sequence[GapTable]) -> _Apart | None:
    """Test phases by the spread over epochs (F), a slow trend of each seed taken off."""
    effect_P, p_value = _phases(tables)
    part = _part(effect_P, tables)
    numbers = f"by phase by up to {np.ptp(effect_P):.2g} nats, {part:.1%} of it (p {p_value:.1g})"
    if p_value < _SURE and part > _MATERIAL:
        return _Apart(f"parts from the frozen probe {numbers}", is_sure=True)
    return _Apart(f"{numbers}", is_sure=False) if part < _MATERIAL else None


def _part(effect_P: NDArray[np.float64], tables: Sequence[GapTable]) -> float:
    return float(np.ptp(effect_P)) / abs(float(np.mean([table.probe_EP.mean() for table in tables])))


def _phases(tables: Sequence[GapTable]) -> tuple[NDArray[np.float64], float]:
    """Return the effects of the phases beside a trend (a parabola a seed), and the p value that there are none."""
    n_epochs, n_phases = zip(*(table.gap_EP.shape for table in tables), strict=True)
    same = [table for table in tables if table.gap_EP.shape == (n_epochs[0], n_phases[0])]
    time_N = np.linspace(-1, 1, n_epochs[0] * n_phases[0])
    trend_NK = np.stack([np.ones_like(time_N), time_N, time_N**2], axis=1)
    phase_NK = np.tile(np.eye(n_phases[0]) - 1 / n_phases[0], (n_epochs[0], 1))[:, :-1]
    trends_NK = np.asarray(np.kron(np.eye(len(same)), trend_NK), dtype=np.float64)
    both_NK = np.hstack([trends_NK, np.tile(phase_NK, (len(same), 1))])
    gap_N = np.concatenate([table.gap_EP.ravel() for table in same])
    rest_trend, _ = _rest(trends_NK, gap_N)
    rest_both, effects = _rest(both_NK, gap_N)
    n_more, n_free = n_phases[0] - 1, len(gap_N) - both_NK.shape[1]
    ratio = (rest_trend - rest_both) / n_more / max(rest_both / n_free, 1e-30)
    effect_P = np.append(effects[-n_more:], 0.0)
    return effect_P - effect_P.mean(), float(scipy.stats.f.sf(ratio, n_more, n_free))


def _rest(columns_NK: NDArray[np.float64], value_N: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    found = np.asarray(np.linalg.lstsq(columns_NK, value_N, rcond=None)[0], dtype=np.float64)
    rest_N = value_N - columns_NK @ found
    return float(rest_N @ rest_N), found


def _fixed(tables: Sequence[GapTable]) -> _Apart | None:
    """Compare what a line through the phases leaves with the chance of which windows each phase holds."""
    gap_P = np.mean([table.gap_EP.mean(0) for table in tables], axis=0)
    error_P = np.mean([table.error_EP.mean(0) for table in tables], axis=0)  # the same windows in every epoch
    place_P = np.arange(len(gap_P))
    rest_P = gap_P - np.polyval(np.polyfit(place_P, gap_P, 1), place_P)
    part = _part(rest_P, tables)
    if len(gap_P) <= _FEWEST_PHASES or not np.isfinite(error_P).all() or part < _FAR:
        return None
    p_value = float(scipy.stats.chi2.sf(float(np.square(rest_P / error_P).sum()), len(gap_P) - 2))
    numbers = f"by up to {np.ptp(rest_P):.2g} nats beside a slope, {part:.1%} of it (p {p_value:.1g})"
    return _Apart(f"parts from the frozen probe in some of them, {numbers}", is_sure=True) if p_value < _SURE else None
