"""When the points of somebody's curves were taken, in epochs completed: from what the log says, or found.

Logs say the epoch with its fraction, or only the number of the current epoch (from 0 or 1), or nothing but
steps. In the second case a point's place in its epoch is told by its step. In the third the evaluations of an
epoch are as said, or as `models.periodicity` finds them, and training is taken to begin where the log does.

Legend: N points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.curve import Curve, curve
from models.curve_set import CurveSet, Role
from models.errors import ModelError
from models.periodicity import Period, evaluation_numbers, period_of_curves, period_of_epochs, spacing_of

_WHOLE = 1e-6
_SPEAKERS: tuple[Role, ...] = (
    "validation_loss", "validation_hr", "probe_loss", "probe_hr", "train_loss", "train_hr",
)  # fmt: skip
"""Whose spacing an evaluation is, where evaluations an epoch are said."""
_SEARCHED: tuple[Role, ...] = ("train_loss", "train_hr", "validation_loss", "validation_hr", "probe_loss", "probe_hr")


@dataclass(frozen=True)
class Series:
    """One metric of one run, as logged."""

    step_N: NDArray[np.float64]  # NaN where unknown
    epoch_N: NDArray[np.float64]  # NaN where unknown
    value_N: NDArray[np.float64]  # any, NaN and infinity too


Run = Mapping[Role, Series]


def timed(
    runs: Sequence[Run], evaluations_per_epoch: int | None, validation_windows: int | None = None
) -> tuple[CurveSet, str]:
    """Put curves on the time axis of epochs.

    Parameters
    ----------
    runs
        One a seed, each with its series by role.
    evaluations_per_epoch
        Of the validation curve (or else the first there is), where the log has no epochs; None to find them.
    validation_windows
        That a validation hit ratio is a mean over, if known.

    Returns
    -------
    tuple
        The curves, and a sentence on how the epoch is known. Where no period is found all points are in one
        epoch, of which no sawtooth can be measured.

    Raises
    ------
    ModelError
        If there is no run, or ``evaluations_per_epoch`` is below 2.
    """
    if not runs or not any(runs):
        message = "There is no curve to put in time."
        raise ModelError(message)
    if evaluations_per_epoch is not None and evaluations_per_epoch < 2:
        message = f"A sawtooth needs at least 2 evaluations an epoch; {evaluations_per_epoch} are said."
        raise ModelError(message)
    curves: dict[Role, list[Curve]] = {}
    broken: dict[Role, int] = {}
    sentences = []
    for run in runs:
        epochs, sentence = _epochs(run, evaluations_per_epoch)
        sentences.append(sentence)
        for role, series in run.items():
            is_timed_N = np.isfinite(epochs[role])
            value_N = series.value_N[is_timed_N]
            broken[role] = broken.get(role, 0) + int((~np.isfinite(value_N)).sum())
            curves.setdefault(role, []).append(curve(epochs[role][is_timed_N], value_N))
    kept = {role: tuple(each for each in found if len(each.value_N)) for role, found in curves.items()}
    given = CurveSet({role: found for role, found in kept.items() if found}, broken, validation_windows)
    return given, "; ".join(dict.fromkeys(sentences))


def _epochs(run: Run, said: int | None) -> tuple[dict[Role, NDArray[np.float64]], str]:
    logged = np.concatenate([series.epoch_N for series in run.values()])
    if said is None and np.isfinite(logged).mean() > 0.5:
        finite = logged[np.isfinite(logged)]
        if (np.abs(finite - np.round(finite)) > _WHOLE).any():
            speaker = run[_first(run, _SPEAKERS)]
            return {role: np.maximum(series.epoch_N, 0.0) for role, series in run.items()}, _counted(speaker.epoch_N)
        return _within_whole_epochs(run)
    if said is not None:
        return _by_spacing(run, _first(run, _SPEAKERS), said), f"{said} evaluations an epoch, as said"
    period, role = _found(run)
    if period.evaluations_per_epoch is None:
        sentence = f"{period.sentence}; say --evaluations-per-epoch if you know it"
        return {role: np.full(len(series.value_N), 0.5) for role, series in run.items()}, sentence
    return _by_spacing(run, role, period.evaluations_per_epoch), period.sentence


def _first(run: Run, order: Sequence[Role]) -> Role:
    return next((role for role in order if role in run), next(iter(run)))


def _counted(epoch_N: NDArray[np.float64]) -> str:
    return period_of_epochs(epoch_N).sentence


def _within_whole_epochs(run: Run) -> tuple[dict[Role, NDArray[np.float64]], str]:
    """Place points in their epochs by step, or by their rank where there are no steps."""
    epochs = np.concatenate([series.epoch_N for series in run.values()])
    steps = np.concatenate([series.step_N for series in run.values()])
    known = np.isfinite(epochs) & np.isfinite(steps)
    numbers = np.unique(np.round(epochs[np.isfinite(epochs)]))
    last = {number: steps[known & (np.round(epochs) == number)].max(initial=-np.inf) for number in numbers}
    sentence = _counted(run[_first(run, _SPEAKERS)].epoch_N)
    ends = np.array([last[number] for number in numbers])
    if len(ends) > 1 and np.isfinite(ends).all() and (np.diff(ends) > 0).all():
        length = float(np.median(np.diff(ends) / np.diff(numbers)))
        return {role: _by_step(series, numbers[0], last, length) for role, series in run.items()}, sentence
    return {role: _by_rank(series, numbers[0]) for role, series in run.items()}, sentence


def _by_step(series: Series, first: float, last: Mapping[float, float], length: float) -> NDArray[np.float64]:
    number_N = np.round(series.epoch_N)
    end_N = np.array([last.get(number, np.nan) for number in number_N])
    # The last epoch may be cut short, so that its end is where the one before ended and a length on.
    before_N = np.array([last.get(number - 1, np.nan) for number in number_N])
    end_N = np.where(np.isfinite(before_N), np.maximum(end_N, before_N + length), end_N)
    part_N = np.clip(1 - (end_N - series.step_N) / length, 1e-3, 1.0)
    return np.asarray(number_N - first + part_N)


def _by_rank(series: Series, first: float) -> NDArray[np.float64]:
    number_N = np.round(series.epoch_N)
    found = np.full(len(number_N), np.nan)
    counts = np.unique(number_N[np.isfinite(number_N)], return_counts=True)[1]
    most = int(counts.max(initial=1))
    for number in np.unique(number_N[np.isfinite(number_N)]):
        places = np.flatnonzero(number_N == number)
        found[places] = number - first + np.arange(1, len(places) + 1) / most
    return found


def _by_spacing(run: Run, speaker: Role, per_epoch: int) -> dict[Role, NDArray[np.float64]]:
    """Count epochs by the evaluations of one curve, and place all others between them by step."""
    step_N = np.unique(run[speaker].step_N[np.isfinite(run[speaker].step_N)])
    number_N = evaluation_numbers(step_N)
    every = np.concatenate([series.step_N[np.isfinite(series.step_N)] for series in run.values()])
    beyond = max(0.0, float(every.max()) - float(step_N[-1])) / spacing_of(step_N)
    known_N = np.concatenate([[min(0.0, step_N[0])], step_N, [step_N[-1] + beyond * spacing_of(step_N) + 1e-9]])
    told_N = np.concatenate([[0.0], number_N, [number_N[-1] + beyond]]) / per_epoch
    return {
        role: np.where(np.isfinite(series.step_N), np.interp(series.step_N, known_N, told_N), np.nan)
        for role, series in run.items()
    }


def _found(run: Run) -> tuple[Period, Role]:
    """Search each curve for a period, the running train curve first; the first clear one counts."""
    tried = [role for role in _SEARCHED if role in run]
    found = [(period_of_curves([(run[role].step_N, run[role].value_N)]), role) for role in tried]
    clear = [pair for pair in found if pair[0].evaluations_per_epoch is not None]
    return (clear or found or [(Period(None, "nothing", None, "no period found: there is no curve"), next(iter(run)))])[
        0
    ]
