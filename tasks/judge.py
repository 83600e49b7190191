"""Judge: what a run's own records say of why its curves saw."""

from datetime import UTC, datetime

from models.errors import ModelError
from models.overlap import overlap
from models.run_verdict import judge_runs
from models.verdict import CurveVerdict
from tasks.records import record_of
from tasks.verb import tell, verb
from tasks.windows import training_data
from warehouse.runs import draft_of, finished
from warehouse.snapshot import open_snapshot
from warehouse.store import read_json, store_at, write_json


@verb
def judge(run_id: str, dataset_id: str, store: str | None) -> None:
    """Weigh the hypotheses for one run. A night does not fail where that cannot be done: its report says so."""
    where = store_at(store)
    with where.lock("runs", run_id, tell):
        draft = draft_of(where, run_id)
        if finished(where, run_id) or draft.has("judged"):
            return
        snapshot = open_snapshot(where.dataset(dataset_id))
        data = training_data(snapshot)
        facts = read_json(draft.folder / "training.json")
        judged: dict[str, str] = {"judged_at": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            record = record_of(draft, facts, snapshot, overlap(data.train, data.validation))
            verdict = judge_runs([record])
            write_json(draft.folder / "verdict.json", verdict.model_dump(mode="json"))
            judged |= said_of(verdict)
        except ModelError as error:
            judged |= {"verdict": f"cannot be judged: {error}", "is_issue": "cannot_tell"}
        tell(f"run {run_id}: {judged['verdict']}")
        write_json(draft.folder / "judged.json", judged)
        draft.mark("judged")


def said_of(verdict: CurveVerdict) -> dict[str, str]:
    """Return a verdict in a line, and whether it is an issue."""
    return {"verdict": verdict.headline(), "is_issue": verdict.is_issue}
