"""What the validation windows say one by one: how many are in train, and whether the dips between epochs are chance."""

from collections.abc import Sequence

import numpy as np

from models.curve_set import Measured, Role, direction_of
from models.dips import dip_in_words, dips, is_blind
from models.evidence_of_memory import is_staircase
from models.hypotheses import HYPOTHESES, Evidence
from models.run_record import RunRecord
from models.validation_dip import moves_are_chance, validation_dip, validation_loss_dip

_MUCH, _SOME, _HARDLY = 0.2, 0.05, 0.02
"""Shares of the validation windows that are in train too."""
_FEWEST_COMPARED = 20
_LITTLE = 0.05
"""Share of a curve's range: a jump this small is no picture to look for a cause of."""


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
    found = (_overlap(runs), _dips(runs, measured), _moves(runs, measured))
    return [piece for piece in found if piece is not None]


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
    if is_blind(dip) and _is_quiet(runs, measured):
        return Evidence(f"{statement}, and one of a point would be unseen", {"H1": 0.7, "H7": 0.3, "H8": 10})
    if dips(dip) == "no":  # resolved, and too small to be a pattern that chance would have to explain
        return Evidence(statement, {"H3": 0.8, "H8": 0.1})
    return Evidence(statement, {"H8": 2} if measured.tilt("train") in {None, "none"} else {"H3": 0.8})


def _moves(runs: Sequence[RunRecord], measured: Measured) -> Evidence | None:
    """See whether all moves are chance's where it is so large that it hides what matters."""
    if not (is_blind(validation_dip(runs)) and _is_quiet(runs, measured) and moves_are_chance(runs)):
        return None
    statement = "every move of the validation hit ratio after the first epoch is within its own error, window by window"
    return Evidence(statement, {"H3": 0.7, "H8": 5})


def _is_quiet(runs: Sequence[RunRecord], measured: Measured) -> bool:
    """Return whether no side clearly saws: not train, but for the steps of a fixed order, nor probe, nor validation."""
    loss_dip = validation_loss_dip(runs)
    is_chance = loss_dip is not None and loss_dip.low <= 0 <= loss_dip.high
    is_train_quiet = measured.tilt("train") in {None, "none"} or is_staircase(runs, measured)
    return (
        is_train_quiet and _is_small(measured, "probe_loss") and (is_chance or _is_small(measured, "validation_loss"))
    )


def _is_small(measured: Measured, role: Role) -> bool:
    """Return whether a curve does not saw, or by little beside the way that it comes."""
    one = measured.sawtooth.get(role)
    if one is None or direction_of(one) == "none":
        return True
    return abs(one.excess) < _LITTLE * float(np.ptp(measured.given.curves[role][0].value_N))
