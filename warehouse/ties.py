"""Events of one user at one time: whether the source's order of them is real, or how the file was written."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from warehouse.extract import FlatLog
from warehouse.flat import mixed, user_slices

SORTED_SHARE = 0.9
"""Tied pairs that ascend (or descend) in more than this share of cases are called sorted by item."""
FEWEST_PAIRS = 50
"""With fewer tied pairs of different items there is nothing to test."""


@dataclass(frozen=True)
class TieEvidence:
    """What the tied rows show, and what was done with them."""

    tied_pairs: int
    ascending_share: float | None
    interval: tuple[float, float] | None  # 95 %, Wilson
    asked: str
    choice: Literal["source", "hash"]
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for a manifest."""
        return asdict(self)


def judge_ties(log: FlatLog, asked: Literal["auto", "source", "hash"]) -> TieEvidence:
    """Count how often the next of two tied events has the larger item id, and choose an order.

    An honest order ascends in about half of the pairs; 95 % intervals are Wilson's.
    """
    pairs, by_number, by_text = _ascending(log)
    ascending = max(by_number, by_text, key=lambda count: abs(count - pairs / 2))
    if pairs == 0:
        share, interval = None, None
    else:
        found = scipy.stats.binomtest(ascending, pairs).proportion_ci(method="wilson")
        share, interval = ascending / pairs, (float(found.low), float(found.high))
    choice, reason = _choose(asked, pairs, share, interval)
    return TieEvidence(pairs, share, interval, asked, choice, reason)


def hash_ties(log: FlatLog, seed: int) -> None:
    """Put tied events in an order that a hash of user, time and item decides; in place, always the same."""
    for part in user_slices(log.users, log.items, log.times):
        items, users, times = log.items[part], log.users[part], log.times[part]
        tied = same_moment(users, times)
        in_run = tied | np.append(tied[1:], False)
        run = np.cumsum(~tied)[in_run]
        moment = mixed(log.user_hashes[users[in_run]] ^ mixed(times[in_run].astype(np.uint64)))
        key = mixed(log.item_hashes[items[in_run]] ^ moment ^ np.uint64(seed))
        items[in_run] = items[in_run][np.lexsort((key, run))]


def same_moment(users: NDArray[np.int32], times: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for each event whether the one before has the same user and time."""
    tied = np.zeros(len(users), bool)
    tied[1:] = (users[1:] == users[:-1]) & (times[1:] == times[:-1])
    return tied


def _ascending(log: FlatLog) -> tuple[int, int, int]:
    """Return the tied pairs of different items, and how many ascend as numbers and as text."""
    pairs = by_number = by_text = 0
    for part in user_slices(log.users, log.items, log.times):
        items = log.items[part]
        tied = same_moment(log.users[part], log.times[part])
        later, earlier = items[tied], items[np.append(tied[1:], False)]
        differ = later != earlier
        later, earlier = later[differ], earlier[differ]
        pairs += len(later)
        by_number += int(np.count_nonzero(later > earlier))
        by_text += int(np.count_nonzero(log.item_text_ranks[later] > log.item_text_ranks[earlier]))
    return pairs, by_number, by_text


def _choose(
    asked: str, pairs: int, share: float | None, interval: tuple[float, float] | None
) -> tuple[Literal["source", "hash"], str]:
    if share is None or interval is None or pairs < FEWEST_PAIRS:
        found = f"only {pairs} tied pairs of different items, too few to test"
        return ("hash", f"asked for; {found}") if asked == "hash" else ("source", found)
    low, high = interval
    shown = f"{share:.3%} of {pairs:,} tied pairs ascend by item (95 % interval {low:.3%} to {high:.3%})"
    is_sorted = low > SORTED_SHARE or high < 1 - SORTED_SHARE
    if asked == "source":
        warning = "; they look sorted by item, so a model may learn the sorting" if is_sorted else ""
        return "source", f"asked for; {shown}{warning}"
    if asked == "hash":
        return "hash", f"asked for; {shown}"
    if is_sorted:
        return "hash", f"{shown}: the file was written sorted by item, so that order says nothing of users"
    if high < SORTED_SHARE and low > 1 - SORTED_SHARE:
        return "source", f"{shown}: not sorted by item (an artefact shows above {SORTED_SHARE:.0%}), so it is kept"
    return "source", f"{shown}: whether it is sorted by item cannot be told, so it is kept; look at the file"
