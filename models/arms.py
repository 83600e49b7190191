"""The arms of a study: trainings that each differ from a base in one named thing, and the seeds of each."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np

from models.arm_tables import OPTIMIZERS, ORDERS, REMEDIES, SCHEDULES, Changes, Row
from models.config import Training
from models.errors import ModelError
from models.run_record import RunRecord
from models.study import Arm, Kind

Depth = Literal["quick", "main", "full"]

_HIGHEST_RATE = 10.0
_CLIPPED_SHARE = 0.1
_SEVERAL_SEEDS = frozenset({"fixed-order", "replacement", "lr-x3.33", "lr-x3.33-fixed-order"})
"""Arms that answer the question itself, so that they are repeated; remedies are looked at once unless said."""
_QUICK = frozenset({"fixed-order", "replacement", "lr-x0.33"})
_MAIN = _SEVERAL_SEEDS | {"lr-x0.33", "sgd-momentum", "beta2-0.9", "cosine-decay", "ema-0.999", "layer-norm"}
_NAMES: dict[Depth, frozenset[str]] = {"quick": _QUICK, "main": _MAIN}
_WITH_SECOND_MOMENT = frozenset({"adam", "adamw", "amsgrad", "rmsprop"})


def diagnose_arms(base: Training, depth: Depth, only: Collection[str] = ()) -> tuple[Arm, ...]:
    """List the arms that tell why the base's curves saw and what would remove it.

    Parameters
    ----------
    base
        The training in question.
    depth
        ``quick``: three arms beside the base, those that part the hypotheses best. ``main``: ten, the rates and main
        remedies too. ``full``: all.
    only
        Names of arms: these beside the base, whatever the depth. Those of `clip_arms` are passed over.

    Returns
    -------
    tuple of Arm
        The base first; names are unique, and no arm asks what another or the base asks.

    Raises
    ------
    ModelError
        If a name is of no arm.
    """
    rates = _rate_arms(base)
    found = [
        Arm("base", "base", base, "What do the curves of the base look like?"),
        *_arms(base, "order", ORDERS),
        *rates,
        *_arms(base, "remedy", SCHEDULES),
        *_arms(base, "remedy", REMEDIES),
        *_arms(base, "remedy", [(name, {"optimizer": said}, asks) for name, said, asks in _optimizers(base)]),
        *_batch_arms(base),
        *(each for arm in rates if arm.name == "lr-x3.33" for each in _at_high_rate(arm.training)),
    ]
    every = _each_once(found)
    known = frozenset(arm.name for arm in (*every, *clip_arms(base, 1.0, "full")))
    if unknown := sorted(set(only) - known):
        message = f"There is no arm {unknown[0]!r}; arms of this base are: {', '.join(sorted(known))}."
        raise ModelError(message)
    names = frozenset(only) or _NAMES.get(depth, known)
    return tuple(arm for arm in every if arm.kind == "base" or arm.name in names)


def sweep_arms(base: Training, rates: Sequence[float]) -> tuple[Arm, ...]:
    """List the arms of a sweep over learning rates.

    Parameters
    ----------
    base
        Its own rate is in the sweep, said or not.
    rates
        Learning rates, above 0 and at most 10.

    Returns
    -------
    tuple of Arm
        The base first, then the other rates in increasing order, each once.
    """
    lr = base.optimizer.lr
    others = sorted({float(rate) for rate in rates} - {lr})
    asks = "How large are picture and problem at this rate?"
    return (
        Arm(f"lr-{lr:g}", "base", base, asks),
        *(Arm(f"lr-{rate:g}", "rate", _changed(base, {"optimizer": {"lr": rate}}), asks) for rate in others),
    )


def clip_arms(base: Training, threshold: float, depth: Depth, only: Collection[str] = ()) -> tuple[Arm, ...]:
    """List the arms that clip where the base's own gradients say.

    Parameters
    ----------
    base
        The training in question.
    threshold
        Global norm, of `suggested_clip`.
    depth
        ``quick``: none. ``main``: by global norm. ``full``: by layer and by value too.
    only
        Names of arms: these, whatever the depth.

    Returns
    -------
    tuple of Arm
        Without the base. By value the threshold is a thirtieth: a single number is that much smaller than the norm.
    """
    shown, by_value = float(f"{threshold:.3g}"), float(f"{threshold / 30:.3g}")
    asks = "Does clipping at the 90th percentile of the norms that were observed remove it, {}?"
    rows: tuple[Row, ...] = (
        ("clip-norm-p90", {"clip": {"name": "norm", "threshold": shown}}, asks.format("by global norm")),
        ("clip-group-norm-p90", {"clip": {"name": "group_norm", "threshold": shown}}, asks.format("by layer")),
        ("clip-value-p90", {"clip": {"name": "value", "threshold": by_value}}, asks.format("by value")),
    )
    if only:
        return _arms(base, "remedy", [row for row in rows if row[0] in only])
    return _arms(base, "remedy", rows[: {"quick": 0, "main": 1, "full": 3}[depth]])


def suggested_clip(runs: Sequence[RunRecord]) -> float:
    """Suggest a threshold: the 90th percentile of the observed norms (Google's Deep Learning Tuning Playbook).

    The playbook's other half: if more than half of the updates would be clipped, lower the learning rate instead.

    Parameters
    ----------
    runs
        Of the base.

    Returns
    -------
    float
        L2 norm over all parameters, above 0.

    Raises
    ------
    ModelError
        If no step has a finite gradient norm above 0.
    """
    norms = np.array([step.grad_norm for run in runs for step in run.steps])
    norms = norms[np.isfinite(norms) & (norms > 0)]
    if len(norms) == 0:
        message = "No clipping threshold can be suggested: no step of these runs has a gradient norm above 0."
        raise ModelError(message)
    return float(np.quantile(norms, 1 - _CLIPPED_SHARE))


def seeds_of(arm: Arm, depth: Depth, n_seeds: int, n_remedy_seeds: int) -> tuple[int, ...]:
    """List the seeds that an arm is trained with.

    Parameters
    ----------
    arm
        Any.
    depth
        ``quick``: only the base has several.
    n_seeds
        Of the base and of the arms that answer the question itself, at least 1.
    n_remedy_seeds
        Of the others, at least 1.

    Returns
    -------
    tuple of int
        From the arm's own seed upwards, so that arms of one base share theirs.
    """
    several = arm.kind == "base" or arm.name in _SEVERAL_SEEDS
    n_turns = 1 if depth == "quick" and arm.kind != "base" else n_seeds if several else n_remedy_seeds
    return tuple(arm.training.seed + turn for turn in range(n_turns))


def _arms(base: Training, kind: Kind, rows: Sequence[Row]) -> tuple[Arm, ...]:
    return tuple(Arm(name, kind, _changed(base, changes), asks) for name, changes, asks in rows)


def _rate_arms(base: Training) -> tuple[Arm, ...]:
    lower, higher = (float(f"{base.optimizer.lr * times:.6g}") for times in (1 / 3, 10 / 3))
    rows = (
        ("lr-x0.33", {"optimizer": {"lr": lower}}, "Does a third of the rate remove it whole, or shrink it?"),
        ("lr-x3.33", {"optimizer": {"lr": min(_HIGHEST_RATE, higher)}}, "Does a higher rate enlarge it?"),
    )
    return _arms(base, "rate", rows)


def _optimizers(base: Training) -> list[Row]:
    """Leave out moments of which the base's own optimizer has none."""
    has_first = base.optimizer.name in {"adam", "adamw", "amsgrad"}
    idle = set() if has_first else {"beta1"}
    idle |= set() if base.optimizer.name in _WITH_SECOND_MOMENT else {"beta2", "eps"}
    return [row for row in OPTIMIZERS if not idle & set(row[1])]


def _batch_arms(base: Training) -> tuple[Arm, ...]:
    larger, smaller = min(65536, base.batch_size * 4), max(1, base.batch_size // 4)
    rows = (
        ("batch-x4", {"batch_size": larger}, "Do four times larger batches, so fewer steps, change it?"),
        ("batch-x0.25", {"batch_size": smaller}, "Do four times smaller batches, so more steps, change it?"),
    )
    return _arms(base, "remedy", rows)


def _at_high_rate(high: Training) -> tuple[Arm, ...]:
    fixed = "At the high rate, is validation's dip gone where no window is visited again so soon?"
    averaged = "At the high rate, is validation's dip gone from averaged weights?"
    return (
        *_arms(high, "order", [("lr-x3.33-fixed-order", {"order": "fixed"}, fixed)]),
        *_arms(high, "remedy", [("lr-x3.33-ema", {"ema_decay": 0.999}, averaged)]),
    )


def _each_once(arms: Sequence[Arm]) -> tuple[Arm, ...]:
    """Keep the first arm of those that ask the same."""
    kept: list[Arm] = []
    for arm in arms:
        if all(arm.training != other.training for other in kept):
            kept.append(arm)
    return tuple(kept)


def _changed(base: Training, changes: Changes) -> Training:
    """Replace fields, of nested configurations too, and check the whole again."""
    said = base.model_dump()
    for name, value in changes.items():
        said[name] = {**said[name], **value} if isinstance(value, Mapping) else value
    return Training.model_validate(said)
