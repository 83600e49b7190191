"""Whether a new run takes the champion's place, and whether a night is worse than those before it.

The null hypothesis is that both are equally good, and the newer of equals is taken for what it has seen. Nothing is
inherited from champion to champion, for every night trains from scratch: small losses that no single comparison
shows do not add up, unless settings or data change for the worse from night to night, which the drop against earlier
nights is there to notice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from models.hypotheses import NAMES, HypothesisId
from models.paired import PairedDifference


@dataclass(frozen=True)
class Decision:
    """What was decided of a run, and why."""

    promoted: bool
    reason: str  # for people, a sentence without its full stop
    difference: float | None = None  # of hit ratios, the new run's less the champion's
    low: float | None = None  # 95 % interval
    high: float | None = None


@dataclass(frozen=True)
class Drop:
    """How far a night's test hit ratio is below what the nights before had."""

    test_hr: float
    median_hr: float
    nights: int  # that the median is of

    @property
    def share(self) -> float:
        """Return the drop as a share of the median."""
        return 1 - self.test_hr / self.median_hr


def unfit(status: str, leading: HypothesisId | None, test_hr: float | None) -> str | None:
    """Say why a run can be no champion, whomever it meets.

    Parameters
    ----------
    status
        How its training ended.
    leading
        What leads its verdict.
    test_hr
        Its hit ratio on the test windows, None where it could not be scored.

    Returns
    -------
    str or None
        None if it can.
    """
    if status == "diverged":
        return "its training diverged"
    if leading == "H3":
        return f"its verdict is H3, {NAMES['H3']}"
    if test_hr is None:
        return "its model could not be scored on the test windows"
    return None


def decide(difference: PairedDifference, metric: str) -> Decision:
    """Promote a run unless it is worse than the champion on the same windows.

    Parameters
    ----------
    difference
        Hits of the new run less the champion's.
    metric
        Which hits, such as ``hr@10``.

    Returns
    -------
    Decision
        Against the run only if the whole interval is below 0.
    """
    is_worse = difference.high < 0
    reason = (
        f"it is {'worse' if is_worse else 'not worse'} than the champion on the same test windows: {metric} differs by"
        f" {difference.difference:+.4f} (95 % interval {difference.low:+.4f} to {difference.high:+.4f};"
        f" {difference.n_windows:,} windows of {difference.n_users:,} users)"
    )
    return Decision(not is_worse, reason, difference.difference, difference.low, difference.high)


def dropped(test_hr: float | None, earlier: Sequence[float], nights: int, max_drop: float) -> Drop | None:
    """Hold a night against the ones before it.

    Parameters
    ----------
    test_hr
        The night's test hit ratio.
    earlier
        Those of earlier nights, the oldest first.
    nights
        How many of them count, from the end.
    max_drop
        The largest share below their median that is not told.

    Returns
    -------
    Drop or None
        None where it is within, or there is nothing to hold it against.
    """
    if test_hr is None or not earlier:
        return None
    counted = earlier[-nights:]
    drop = Drop(test_hr, median(counted), len(counted))
    return drop if drop.median_hr > 0 and drop.share > max_drop else None
