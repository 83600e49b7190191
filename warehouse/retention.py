"""Which runs a policy keeps: a rule on facts, without a look at the disk."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from warehouse.champions import Standing
from warehouse.policies import Keep

SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True)
class StoredRun:
    """What the rule needs of a finished run."""

    run_id: str
    dataset_id: str
    source: str
    size: str
    test_hr: float | None
    finished_s: float  # since 1970


def kept_runs(runs: Iterable[StoredRun], keep: Keep, protected: Collection[str], now_s: float) -> set[str]:
    """Return the runs that stay.

    Parameters
    ----------
    runs
        All finished ones.
    keep
        The policy.
    protected
        Champions, and runs of studies that stay.
    now_s
        Seconds since 1970; a run from the future, after a clock that went back, is young.
    """
    groups: dict[tuple[str, str], list[StoredRun]] = defaultdict(list)
    for run in runs:
        groups[run.source, run.size].append(run)
    kept: set[str] = set()
    for group in groups.values():
        by_age = sorted(group, key=lambda run: (-run.finished_s, run.run_id))
        scored = [run for run in by_age if run.test_hr is not None]
        best = sorted(scored, key=lambda run: -(run.test_hr or 0.0))[: keep.best]  # of equals the newest
        young = [run for run in group if now_s - run.finished_s <= keep.days * SECONDS_A_DAY]
        kept.update(run.run_id for run in (*by_age[: keep.newest], *best, *young))
        kept.update(run.run_id for run in group if run.run_id in protected)
    return kept


def protected_champions(standing: Standing, keep: Keep) -> set[str]:
    """Return the present champion and the ones before that a rollback may lead to."""
    reigns = standing.reigns()
    return set(reigns[max(0, len(reigns) - 1 - keep.champions) :])
