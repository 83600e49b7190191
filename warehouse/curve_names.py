"""What a column of somebody's curves is, guessed from its name, or said."""

import re

from pydantic import Field

from warehouse.config import Closed
from warehouse.errors import WarehouseError

_VALIDATION = frozenset({"val", "valid", "validation", "eval", "evaluation", "dev", "holdout"})
_PROBE = frozenset({"probe", "frozen"})
_IGNORED = frozenset({"test", "ema", "best", "runtime", "time", "seconds", "min", "max", "std"})
_LOSS = frozenset({"loss", "nll", "ce", "xent", "crossentropy"})
_HITS = re.compile(r"(hr|hit|hits|hitrate|hitratio|recall|acc|accuracy|top)(\d+)?")
_STEP = ("step", "global_step", "_step", "trainer/global_step", "iteration", "iter", "batch", "update", "updates")
_EPOCH = ("epoch", "epochs", "train/epoch", "trainer/epoch")
_RUN = ("run", "run_id", "run id", "run_name", "seed")
_NAME = ("metric", "key", "tag", "name", "metric_name", "variable")


class CurveColumns(Closed):
    """Which column is what. Unset: guessed from the names."""

    step: str | None = Field(None, description="Updates made.")
    epoch: str | None = Field(None, description="Epochs completed, or the number of the current epoch.")
    run: str | None = Field(None, description="Of several runs in one file, taken as seeds of one configuration.")
    name: str | None = Field(None, description="In a long file: the metric's name.")
    value: str | None = Field(None, description="In a long file: the metric's value.")
    train_loss: str | None = Field(None, description="Running train loss, as visited.")
    train_hr: str | None = Field(None, description="Running train hit ratio.")
    probe_loss: str | None = Field(None, description="Loss on fixed train windows under frozen weights.")
    probe_hr: str | None = Field(None, description="Hit ratio likewise.")
    validation_loss: str | None = Field(None, description="Validation loss.")
    validation_hr: str | None = Field(None, description="Validation hit ratio.")
    lr: str | None = Field(None, description="Learning rate.")
    grad_norm: str | None = Field(None, description="Gradient norm.")


ROLES = ("train_loss", "train_hr", "probe_loss", "probe_hr", "validation_loss", "validation_hr", "lr", "grad_norm")
"""The columns that are curves, in the order they are shown."""


def guessed_role(name: str) -> str | None:
    """Return the role that a metric's name suggests, or None."""
    words = re.findall(r"[a-z]+\d*|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    kinds = set(words)
    if {"lr"} & kinds or {"learning", "rate"} <= kinds or "lr" in {word.rstrip("0123456789") for word in words}:
        return "lr"
    if kinds & {"grad", "gradient", "gradnorm"} and (kinds & {"norm", "gradnorm"}):
        return "grad_norm"
    if kinds & _IGNORED:
        return None
    if kinds & _LOSS or {"cross", "entropy"} <= kinds:
        metric = "loss"
    elif any(_HITS.fullmatch(word) for word in words):
        metric = "hr"
    else:
        return None
    side = "probe" if kinds & _PROBE else "validation" if kinds & _VALIDATION else "train"
    return f"{side}_{metric}"


def roles_of(counts: dict[str, int], said: CurveColumns) -> dict[str, str]:
    """Return which name plays which role: the one said, else of those guessed the one with the most values.

    Raises
    ------
    WarehouseError
        If a name that was said is not there.
    """
    found: dict[str, str] = {}
    taken = {name for role in ROLES if (name := getattr(said, role))}
    for role in ROLES:
        name = getattr(said, role)
        if name is None:
            like = [each for each in counts if each not in taken and guessed_role(each) == role]
            if like:
                found[role] = min(like, key=lambda each: (-counts[each], len(each), each))
        elif name in counts:
            found[role] = name
        else:
            raise WarehouseError(_missing(role, name, list(counts)))
    return found


def place_of(kind: str, names: list[str], said: str | None) -> str | None:
    """Return the column that is the step, epoch, run, name or value, or None.

    Raises
    ------
    WarehouseError
        If the one that was said is not there.
    """
    if said is not None:
        if said not in names:
            raise WarehouseError(_missing(kind, said, names))
        return said
    known = {"step": _STEP, "epoch": _EPOCH, "run": _RUN, "name": _NAME, "value": ("value",)}[kind]
    lowered = {name.strip().lower(): name for name in reversed(names)}
    return next((lowered[each] for each in known if each in lowered), None)


def _missing(kind: str, name: str, names: list[str]) -> str:
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"there is no column {name!r} for --columns.{kind.replace('_', '-')}; there are: {shown}"
