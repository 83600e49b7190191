"""Promote: the last word on a finished run, under the lock of its source's and size's champion."""

from dataclasses import asdict, dataclass
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event

from models.config import Compute
from models.promotion import Decision, Drop, dropped
from tasks.champions import history_page
from tasks.compare import COMPARED, decision_on
from tasks.progress import artifact_size
from tasks.published import published
from tasks.verb import in_flow_run, tell, verb
from warehouse.champions import Entry, Standing, now_text, record, standing_of
from warehouse.policies import Promotion
from warehouse.runs import Draft
from warehouse.store import Store, read_json, store_at

QUALITY_DROPPED = "sawtooth.quality.dropped"
"""The event that an automation may be set on."""


@dataclass(frozen=True)
class Outcome:
    """What was decided of a run, and who is the champion now."""

    champion: str | None
    promoted: bool
    reason: str


@verb
def promote(run: dict[str, Any], promotion: Promotion, compute: Compute, store: str | None) -> Outcome | None:
    """Make a run the champion unless it is worse, and publish which and why; a run is decided of once.

    Returns
    -------
    Outcome or None
        None where the run was not to compete.
    """
    if not promotion.compete:
        return None
    where = store_at(store)
    with where.lock("champions", f"{run['source']}-{run['size']}", tell):
        standing = standing_of(where, run["source"], run["size"])
        entry = standing.decided(run["run_id"])
        if entry is None:
            earlier = [one.test_hr for one in standing.history if one.test_hr is not None and _is_night(one, run)]
            entry = _decided(where, run, standing, compute)
            standing = record(where, standing, entry)
            drop = dropped(run["test_hr"], earlier, promotion.nights, promotion.max_drop)
            if drop:
                _raise_alarm(run, drop)
        tell(f"champion of {run['source']}, {run['size']}: {standing.run_id}; run {run['run_id']} was {entry.action}")
    if in_flow_run():
        about = f"Run {run['run_id']} on {run['source']} was {entry.action}."
        key = f"champion-{artifact_size(run['size'])}"
        with published("who is the champion"):
            create_markdown_artifact(markdown=history_page(standing), key=key, description=about)
    return Outcome(standing.run_id, entry.action == "promoted", entry.reason)


def _is_night(entry: Entry, run: dict[str, Any]) -> bool:
    return entry.action != "rolled back" and entry.metric == run["metric"]


def _decided(where: Store, run: dict[str, Any], standing: Standing, compute: Compute) -> Entry:
    decision = _compared(where, run, standing.run_id) or decision_on(
        where, Draft(run["run_id"], where.run(run["run_id"])), standing.run_id, compute
    )
    said = asdict(decision)
    promoted = said.pop("promoted")
    return Entry(
        at=now_text(),
        action="promoted" if promoted else "kept out",
        champion=run["run_id"] if promoted else standing.run_id,
        **{name: run[name] for name in ("run_id", "dataset_id", "metric", "test_hr")},
        **said,
    )


def _compared(where: Store, run: dict[str, Any], champion: str | None) -> Decision | None:
    """Return what the comparison for the report came to, if the champion is still the same."""
    path = where.run(run["run_id"]) / COMPARED
    if not path.is_file():
        return None
    compared = read_json(path)
    return Decision(**compared) if compared.pop("champion") == champion else None


def _raise_alarm(run: dict[str, Any], drop: Drop) -> None:
    """Say that a night is much worse than those before it; as an event where there is a server to take it."""
    tell(
        f"QUALITY DROPPED: {run['metric']} on test is {drop.test_hr:.4f}, {drop.share:.0%} below {drop.median_hr:.4f},"
        f" the median of the last {drop.nights} nights of {run['source']}, {run['size']}"
    )
    if in_flow_run():
        subject = f"{run['source']}.{run['size']}"
        emit_event(
            event=QUALITY_DROPPED,
            resource={"prefect.resource.id": f"sawtooth.champion.{subject}", "prefect.resource.name": subject},
            payload={
                **{name: run[name] for name in ("run_id", "dataset_id", "source", "size", "metric")},
                **asdict(drop),
                "share": drop.share,
            },
        )
