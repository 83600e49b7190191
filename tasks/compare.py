"""Compare: a new run beside the champion of its source and size, on the same test windows."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.config import Compute, Training
from models.errors import ModelError
from models.paired import hits, paired_difference
from models.promotion import Decision, decide, unfit
from tasks.verb import tell, verb
from tasks.windows import training_data
from warehouse.champions import standing_of
from warehouse.errors import WarehouseError
from warehouse.policies import Promotion
from warehouse.runs import Draft, draft_of, facts_of, finished, table_of
from warehouse.snapshot import Snapshot, open_snapshot
from warehouse.store import Store, read_json, store_at, write_json
from warehouse.vocabulary import codes_in

COMPARED = "champion.json"
"""In a run's folder: whom it was compared with before its report was made, and what came of it."""


@verb
def compare(run_id: str, dataset_id: str, promotion: Promotion, compute: Compute, store: str | None) -> None:
    """Hold a drafted run against the champion, for its report; `promote` has the last word."""
    where = store_at(store)
    with where.lock("runs", run_id, tell):
        draft = draft_of(where, run_id)
        if not promotion.compete or finished(where, run_id) or draft.has("compared"):
            return
        manifest = read_json(where.dataset(dataset_id) / "manifest.json")
        champion = standing_of(where, manifest["source"], manifest["size"]).run_id
        decision = decision_on(where, draft, champion, compute)
        write_json(draft.folder / COMPARED, {"champion": champion, **asdict(decision)})
        tell(f"run {run_id} {said_of(champion, promoted=decision.promoted)}: {decision.reason}")
        draft.mark("compared")


def said_of(champion: str | None, *, promoted: bool) -> str:
    """Return what becomes of a run, to be followed by the reason."""
    if champion is None:
        return "becomes the champion" if promoted else "cannot be the champion, and there is none yet"
    return f"takes the place of champion {champion}" if promoted else f"leaves champion {champion} in its place"


def decision_on(where: Store, draft: Draft, champion: str | None, compute: Compute) -> Decision:
    """Decide whether a run, drafted or finished, takes the champion's place.

    A champion that cannot be read or scored any more is nobody's model: it loses its place.
    """
    facts = read_json(draft.folder / "training.json")
    training = Training.model_validate(facts["config"])
    ranks = _test_ranks(draft.read("ranks"))
    own = hits(ranks, training.cutoffs[0])
    why_not = unfit(facts["status"], _leading(draft.folder), float(own.mean()) if len(own) else None)
    if why_not:
        return Decision(promoted=False, reason=why_not)
    if champion is None:
        return Decision(promoted=True, reason="it is the first of its source and size")
    snapshot = open_snapshot(where.dataset(facts["dataset_id"]))
    try:
        theirs = hits(_champions_ranks(where, champion, snapshot, training, compute), training.cutoffs[0])
    except (WarehouseError, ModelError) as error:
        return Decision(promoted=True, reason=f"the champion can no longer be scored: {error}")
    users = snapshot.arrays["users"][snapshot.arrays["test_ends"]]
    try:
        return decide(paired_difference(own, theirs, users), f"hr@{training.cutoffs[0]}")
    except ModelError as error:
        return Decision(promoted=False, reason=f"it cannot be compared with the champion: {error}")


def _champions_ranks(
    where: Store, champion: str, snapshot: Snapshot, training: Training, compute: Compute
) -> NDArray[np.float64]:
    """Return the champion's ranks on a dataset's test windows: as stored where they are its own, else scored anew."""
    if not finished(where, champion):
        message = f"run {champion} is not in the store"
        raise WarehouseError(message)
    facts = facts_of(where, champion)
    if facts["dataset_id"] == snapshot.dataset_id and facts["config"]["ties"] == training.ties:
        return _test_ranks(table_of(where, champion, "ranks"))
    from models.foreign import ranks_on, translated  # torch is imported when it is needed: a cached night is without
    from models.stored import load_model

    tell(f"scoring champion {champion} on the new test windows")
    known = codes_in(snapshot, open_snapshot(where.dataset(facts["dataset_id"])))
    windows = translated(training_data(snapshot).test, known)
    return ranks_on(load_model(where.run(champion)), windows, training.ties, compute)


def _test_ranks(ranks: pl.DataFrame) -> NDArray[np.float64]:
    return ranks.filter(pl.col("split") == "test")["rank"].cast(pl.Float64).to_numpy()


def _leading(folder: Path) -> Any:
    """Return what leads a run's verdict; None where nothing does, or it could not be judged."""
    verdict = folder / "verdict.json"
    return read_json(verdict)["leading"] if verdict.is_file() else None
