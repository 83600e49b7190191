"""Predict: what ages alone make of a run's quarters, as rows for its figure."""

from typing import Any

import polars as pl

from models.errors import ModelError
from models.forgetting_prediction import Prediction, middles, predict_epoch
from models.run_record import RunRecord

_SCHEMA = {"epoch": pl.Float64, "observed": pl.Float64, "predicted": pl.Float64}


def predicted_quarters(record: RunRecord) -> pl.DataFrame:
    """Return observed and predicted losses of visits that were not the first, in nats, by the middle of each phase."""
    rows: list[dict[str, Any]] = []
    for epoch in sorted({row.epoch for row in record.forgetting if row.age_low_epochs is not None}):
        try:
            rows += _rows(_prediction(record, epoch))
        except ModelError:  # too few second visits, as in the first epoch of an order with replacement
            continue
    return pl.DataFrame(rows, schema=_SCHEMA)


def _prediction(record: RunRecord, epoch: int) -> Prediction:
    forgetting = [row for row in record.forgetting if row.epoch == epoch]
    phases = {row.phase for row in forgetting if row.age_low_epochs is not None and row.loss_count}
    probe = {
        (round(point.epoch - point.phase / len(phases)) + 1, point.phase): point.value
        for point in record.points
        if point.estimator == "train_probe" and point.metric == "loss" and point.value is not None
    }
    before, ends = probe.get((epoch - 1, max(phases))), [probe.get((epoch, phase)) for phase in sorted(phases)]
    known = [value for value in ends if value is not None]
    if before is None or len(known) < len(phases):
        return predict_epoch(forgetting)
    return predict_epoch(forgetting, trend=middles(before, known))


def _rows(prediction: Prediction) -> list[dict[str, Any]]:
    n_phases = len(prediction.phases)
    return [
        {"epoch": prediction.epoch - 1 + (place + 0.5) / n_phases, "observed": observed, "predicted": predicted}
        for place, (observed, predicted) in enumerate(zip(prediction.observed, prediction.predicted, strict=True))
    ]
