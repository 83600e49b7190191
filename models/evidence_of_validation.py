"""What the validation windows say one by one: how many are in train, and whether the dips between epochs are chance.

Legend: W windows, S seeds.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.curve_set import Measured
from models.errors import ModelError
from models.hypotheses import HYPOTHESES, Evidence
from models.paired import PairedDifference, hits, paired_difference
from models.run_record import RunRecord, Watched
from models.verdict import Issue

_MUCH, _SOME, _HARDLY = 0.2, 0.05, 0.02
"""Shares of the validation windows that are in train too."""
_FEWEST_COMPARED = 20
_SMALL_DIP = 0.01
"""Of the hit ratio: a dip no larger than a point is not one to act on."""


def evidence_of_validation(runs: Sequence[RunRecord], measured: Measured) -> list[Evidence]:
    """Weigh overlap and the dips between epochs.

    Parameters
    ----------
    runs
        Of one training.
    measured
        Their curves.

    Returns
    -------
    list of Evidence
        Empty where neither was recorded.
    """
    found = (_overlap(runs), _dips(runs, measured))
    return [piece for piece in found if piece is not None]


def validation_dip(runs: Sequence[RunRecord]) -> PairedDifference | None:
    """Compare the first evaluation of each epoch with the last before it, window by window.

    Parameters
    ----------
    runs
        Of one training, one a seed.

    Returns
    -------
    PairedDifference or None
        Hit ratio at the first cutoff, mean over boundaries, clustered by user over seeds; None without windows
        watched over a boundary, or where the seeds watched other windows.
    """
    pairs = [(run.watched, _around(run, run.watched)) for run in runs if run.watched is not None]
    told = [(watched, both) for watched, both in pairs if both is not None]
    if not told or any(not np.array_equal(watched.user_W, told[0][0].user_W) for watched, _ in told):
        return None
    after_SW, before_SW = (np.stack([both[side] for _, both in told]) for side in (0, 1))
    try:
        return paired_difference(after_SW, before_SW, told[0][0].user_W)
    except ModelError:  # windows of one user alone have no interval
        return None


def dips(dip: PairedDifference | None) -> Issue | None:
    """Say whether validation dips between epochs.

    Parameters
    ----------
    dip
        Of `validation_dip`.

    Returns
    -------
    str or None
        ``no`` only where a dip of more than a point is excluded; None where it was not measured.
    """
    if dip is None:
        return None
    if dip.high < 0:
        return "yes"
    return "no" if dip.low > -_SMALL_DIP else "cannot_tell"


def dip_in_words(dip: PairedDifference) -> str:
    """Put a dip in words.

    Parameters
    ----------
    dip
        In hit ratio.

    Returns
    -------
    str
        In points, with its interval and what it is over.
    """
    return (
        f"{100 * dip.difference:+.2f} points (95 % interval {100 * dip.low:+.2f} to {100 * dip.high:+.2f}; "
        f"{dip.n_windows:,} windows, {dip.n_users:,} users, {dip.n_seeds} {'seed' if dip.n_seeds == 1 else 'seeds'})"
    )


def _around(run: RunRecord, watched: Watched) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return each window's mean hits at the first evaluations of epochs, and at the last before them."""
    row_of = {step: row for row, step in enumerate(watched.step_K.tolist())}
    moments = sorted({(point.step, point.epoch) for point in run.points if point.estimator == "validation"})
    known = [(row_of[step], int(np.ceil(epoch - 1e-6))) for step, epoch in moments if step in row_of]
    over = [(first, last) for (last, before), (first, after) in pairwise(known) if after > before]
    if not over or len({epoch for _, epoch in known}) == len(known):  # one evaluation an epoch is no dip
        return None
    hit_KW = hits(watched.rank_KW, run.config.cutoffs[0])
    first, last = (np.array(rows) for rows in zip(*over, strict=True))
    return hit_KW[first].mean(0), hit_KW[last].mean(0)


def _overlap(runs: Sequence[RunRecord]) -> Evidence | None:
    known = [run.overlap for run in runs if run.overlap is not None and run.overlap.compared >= _FEWEST_COMPARED]
    if not known:
        return None
    share = known[0].shared / known[0].compared
    statement = f"{known[0].shared:,} of {known[0].compared:,} validation windows are in train too ({share:.1%})"
    if share >= _MUCH:
        return Evidence(statement, {name: 10 if name == "H7" else 0.3 for name in HYPOTHESES}, proves="H7")
    if share >= _SOME:
        return Evidence(statement, {"H7": 3})
    return Evidence(statement, {"H7": 0.1 if share < _HARDLY else 0.5})


def _dips(runs: Sequence[RunRecord], measured: Measured) -> Evidence | None:
    dip = validation_dip(runs)
    if dip is None:
        return None
    numbers = dip_in_words(dip)
    if dip.high < 0:
        statement = f"the validation hit ratio dips between epochs by more than chance: {numbers}"
        return Evidence(statement, {"H8": 0.1, "H1": 1.5, "H2": 1.2, "H3": 1.5})
    if dip.low > 0:
        return Evidence(f"the validation hit ratio rises over the ends of epochs: {numbers}", {"H8": 0.3})
    statement = f"the validation hit ratio between epochs moves within chance, window by window: {numbers}"
    if dips(dip) == "no":  # resolved, and too small to be a pattern that chance would have to explain
        return Evidence(statement, {"H3": 0.8, "H8": 0.1})
    is_quiet = measured.tilt("train") in {None, "none"}
    return Evidence(statement, {"H8": 2} if is_quiet else {"H3": 0.8})
