"""Evaluate: a trained run on the test windows, beside the baselines."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.config import Compute, Training
from models.curves import CurvePoint, Estimator, Moment
from models.errors import NonFiniteScoresError
from models.windows import WindowSet
from tasks.verb import tell, verb
from tasks.windows import training_data
from warehouse.runs import draft_of, finished
from warehouse.snapshot import open_snapshot
from warehouse.store import store_at

_AFTERWARDS = Moment(step=0, epoch=0.0, phase=0)


@verb
def evaluate(run_id: str, dataset_id: str, training: Training, compute: Compute, store: str | None) -> None:
    """Score a run's model and both baselines on validation and test."""
    where = store_at(store)
    with where.lock("runs", run_id, tell):
        if finished(where, run_id) or draft_of(where, run_id).has("evaluated"):
            return
        from models.assessment import assess_split  # torch is imported when it is needed: a cached night is without
        from models.baselines import baseline_points
        from models.stored import load_model

        draft = draft_of(where, run_id)
        data = training_data(open_snapshot(where.dataset(dataset_id)))
        model = load_model(draft.folder)
        splits: list[tuple[Estimator, WindowSet]] = [("validation", data.validation), ("test", data.test)]
        rows: list[dict[str, Any]] = []
        ranks: list[pl.DataFrame] = []
        try:
            for split, windows in splits:
                assessment = assess_split(model, windows, training, compute)
                rows += _rows("gru", assessment.points(_AFTERWARDS, split))
                ranks.append(rank_rows(split, assessment.rank_W.numpy()))
        except NonFiniteScoresError as error:
            tell(f"run {run_id}: its model cannot be scored: {error}")
        for name, points in baseline_points(data, training.cutoffs, training.ties).items():
            rows += _rows(name, points)
        draft.write("ranks", pl.concat(ranks) if ranks else [])
        draft.write("scores", rows)
        draft.mark("evaluated")


def rank_rows(split: str, ranks: NDArray[np.float64]) -> pl.DataFrame:
    """Return every window's rank as rows of the table of that name, in the order of the split."""
    window = pl.int_range(len(ranks), dtype=pl.Int32, eager=True)
    return pl.DataFrame({"window": window, "rank": ranks.astype(np.float32)}).select(
        pl.lit(split).alias("split"), pl.all()
    )


def _rows(model: str, points: Iterable[CurvePoint]) -> Iterable[dict[str, Any]]:
    """Return points as rows of the table of scores."""
    apart = {"step", "epoch", "phase", "estimator"}
    for point in points:
        yield {
            "model": model,
            "split": point.estimator,
            **{key: value for key, value in asdict(point).items() if key not in apart},
        }
