"""What must hold of a dataset before anybody may train on it, each with its evidence."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from warehouse.config import Dataset
from warehouse.errors import WarehouseError
from warehouse.extract import FlatLog
from warehouse.flat import user_slices, within
from warehouse.splits import SPLITS, Drawn
from warehouse.ties import TieEvidence


@dataclass(frozen=True)
class Gate:
    """One thing that must hold."""

    name: str
    passed: bool
    evidence: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for a manifest."""
        return asdict(self)


def check(log: FlatLog, drawn: Drawn, ties: TieEvidence, config: Dataset) -> list[Gate]:
    """Judge a drawing.

    Raises
    ------
    WarehouseError
        If a gate does not pass; it names each that did not.
    """
    gates = [
        _enough(drawn, config),
        _apart(drawn),
        _users(log),
        _vocabulary(drawn),
        Gate("order of ties", True, ties.reason),
    ]
    if config.split.kind == "temporal":
        gates.insert(2, _before_cut(log, drawn))
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        message = "the dataset is not built: " + "; ".join(f"{gate.name}: {gate.evidence}" for gate in failed)
        raise WarehouseError(message)
    return gates


def _enough(drawn: Drawn, config: Dataset) -> Gate:
    """Every split has a window, and as many as were asked unless fewer are allowed."""
    counts = {split: len(drawn.ends[split]) for split in SPLITS}
    evidence = ", ".join(f"{split} {counts[split]:,} of {drawn.asked[split]:,} asked" for split in SPLITS)
    empty = [split for split in SPLITS if counts[split] == 0]
    short = [split for split in SPLITS if counts[split] < drawn.asked[split]]
    if empty:
        return Gate("windows in every split", False, f"{evidence}; {', '.join(empty)} has none{_of(drawn, empty)}")
    if short and not config.allow_fewer:
        advice = (
            "; choose a smaller --size, other cuts (--dataset.split.train-until, --dataset.split.validation-until),"
            " or take what there is with --dataset.allow-fewer true"
        )
        return Gate("as many windows as asked", False, evidence + _of(drawn, short) + advice)
    return Gate("as many windows as asked", True, evidence)


def _of(drawn: Drawn, splits: list[str]) -> str:
    """Say what there was to draw from."""
    parts = []
    for split in splits:
        unknown = drawn.unknown_targets.get(split, 0)
        strange = f", {unknown:,} of them with a target never seen in train" if unknown else ""
        parts.append(f"{split} has {drawn.candidates[split]:,} candidates{strange}")
    return f" ({'; '.join(parts)})"


def _apart(drawn: Drawn) -> Gate:
    everything = np.sort(np.concatenate(list(drawn.ends.values())), kind="stable")  # of sorted runs: a merge
    twice = int(np.count_nonzero(everything[1:] == everything[:-1]))
    return Gate("no window in two splits", twice == 0, f"{twice} of {len(everything):,} windows are in two splits")


def _before_cut(log: FlatLog, drawn: Drawn) -> Gate:
    cut = np.int64(log.cuts.train_until or 0)
    late = sum(
        int(np.count_nonzero(log.times[part][within(drawn.ends["train"], part)] >= cut))
        for part in user_slices(log.users, log.times)
    )
    return Gate("no train target at or after T1", late == 0, f"{late} train targets at or after T1")


def _users(log: FlatLog) -> Gate:
    users = len(log.user_ids)
    return Gate("at least two users to learn from", users >= 2, f"the log has {users:,} user(s) with enough events")


def _vocabulary(drawn: Drawn) -> Gate:
    size = len(drawn.vocabulary)
    return Gate("at least two items to tell apart", size >= 2, f"the train windows show {size:,} item(s)")
