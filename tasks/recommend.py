"""Recommend: a model's lists for every user, as one file."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict, Field

from models.config import Compute
from models.device import pick_device, threads
from models.gru import NextItemGRU
from models.recommendation import recommend as lists_of
from models.stored import load_model
from tasks.progress import artifact_size
from tasks.published import published
from tasks.verb import in_flow_run, tell, verb
from warehouse.champions import run_meant
from warehouse.config import Extraction
from warehouse.extract import time_text
from warehouse.histories import Histories, histories_of, whole_batches
from warehouse.ingest import manifest_of
from warehouse.policies import Recommendation
from warehouse.recommendations import Write, as_rows, popular, written
from warehouse.runs import facts_of
from warehouse.snapshot import Snapshot, open_snapshot
from warehouse.store import fresh, store_at


class Recommended(BaseModel):
    """Where the lists are, and of what."""

    model_config = ConfigDict(frozen=True)

    file: str
    run_id: str
    dataset_id: str
    source: str
    size: str
    k: int
    seen: str = Field(description="Whether items that a user had before were kept in its list or left out.")
    events_until: str | None = Field(description="Time of the newest event that counted.")
    users: int
    by_model: int = Field(description="Users whose list the model made.")
    by_popularity: int = Field(description="Users without any item that the model knows: they get the popular items.")
    rows: int

    def __str__(self) -> str:
        """Return it for people."""
        return (
            f"{self.rows:,} rows for {self.users:,} users of {self.source}, events until {self.events_until}:"
            f" {self.by_model:,} by run {self.run_id} ({self.size}), {self.by_popularity:,} by popularity\n{self.file}"
        )


@verb
def recommend(
    run: str,
    size: str,
    source: str | None,
    users: str | None,
    output: str | None,
    recommendation: Recommendation,
    compute: Compute,
    extraction: Extraction,
    store: str | None,
) -> Recommended:
    """Score every user, or those in a file, by a run or the champion; one file at a time is made for a source."""
    where = store_at(store)
    run_id = run_meant(where, run, source, size)
    facts = facts_of(where, run_id)
    snapshot = open_snapshot(where.dataset(facts["dataset_id"]))
    lists = Lists(load_model(where.run(run_id)), snapshot, recommendation, run_id)
    name = {key: facts[key] for key in ("source", "size")}
    path = Path(output).expanduser().resolve() if output else where.recommendations(**name)
    manifest = manifest_of(where.events(facts["source"]))
    batches = whole_batches(where.events(facts["source"]), manifest["batches"])
    last = max((batch["last_at"] for batch in manifest["batches"] if batch["last_at"] is not None), default=None)
    about = {**lists.ids, **name, **recommendation.model_dump(), "events_until": time_text(last, manifest["time_kind"])}
    with where.lock("recommendations", f"{name['source']}-{name['size']}", tell):
        spill = fresh(where.work("recommendations", f"{name['source']}-{name['size']}"))
        wanted = Path(users) if users else None
        with histories_of(batches, snapshot, wanted, extraction, spill) as parts, written(path, about) as write:
            counts = lists.write(parts, write, compute)
        spill.rmdir()
    made = Recommended(file=str(path), **about, **counts)
    tell(str(made))
    if in_flow_run():
        key, words = f"recommendations-{artifact_size(made.size)}", f"Lists of {made.k} for {made.source}."
        with published("where the lists are"):
            create_table_artifact(table=[made.model_dump()], key=key, description=words)
    return made


@dataclass(frozen=True)
class Lists:
    """What makes lists: a model, and the popular items for those of whom it knows nothing."""

    model: NextItemGRU
    snapshot: Snapshot
    recommendation: Recommendation
    run_id: str

    @property
    def ids(self) -> dict[str, str]:
        """Return what names the model."""
        return {"run_id": self.run_id, "dataset_id": self.snapshot.dataset_id}

    def write(self, parts: Iterable[Histories], write: Write, compute: Compute) -> dict[str, int]:
        """Write the lists of all users, part by part. Returns the counts."""
        counts = dict.fromkeys(("users", "by_model", "by_popularity", "rows"), 0)
        items = pa.array(self.snapshot.item_ids(), pa.string())
        self.model.to(pick_device(compute))
        with threads(compute):
            for part in parts:
                by_model = part.stops > part.begins
                rows = as_rows(part.users, *self._of(part, by_model), items, by_model, self.ids)
                write(rows)
                n_by_model = int(np.count_nonzero(by_model))
                for name, more in zip(counts, (len(part), n_by_model, len(part) - n_by_model, len(rows)), strict=True):
                    counts[name] += more
        return counts

    def _of(self, part: Histories, by_model: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return codes and scores of the part's lists."""
        k, places = self.recommendation.k, np.flatnonzero(by_model).tolist()
        seen = [part.seen(place) for place in places] if self.recommendation.seen == "drop" else None
        found = lists_of(self.model, [part.history(place) for place in places], k, seen)
        popular_k, counts_k = popular(self.snapshot, k)
        codes, scores = np.tile(popular_k, (len(part), 1)), np.tile(counts_k, (len(part), 1))
        codes[places], scores[places] = found
        return codes, scores
