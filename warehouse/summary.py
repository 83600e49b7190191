"""The few numbers of a run that everybody asks for first."""

from typing import Any

import polars as pl


def summary_of(points: pl.DataFrame, scores: pl.DataFrame, cutoff: int) -> dict[str, Any]:
    """Return a run's best validation values and its test hit ratio beside the baselines'.

    Parameters
    ----------
    points
        The run's curve points.
    scores
        The run's scores; without rows where the model could not be scored.
    cutoff
        The k of the hit ratio that selects.
    """
    hit_ratio = f"hr@{cutoff}"
    validation = points.filter(pl.col("estimator") == "validation")
    by_hits = validation.filter(pl.col("metric") == hit_ratio).sort("value", descending=True, maintain_order=True)
    losses = validation.filter(pl.col("metric") == "loss")["value"]
    test = {
        row["model"]: row
        for row in scores.filter((pl.col("split") == "test") & (pl.col("metric") == hit_ratio)).to_dicts()
    }
    gru = test.get("gru", {})
    return {
        "metric": hit_ratio,
        "best_validation_hr": by_hits["value"].first() if len(by_hits) else None,
        "best_validation_epoch": by_hits["epoch"].first() if len(by_hits) else None,
        "best_validation_loss": losses.min(),
        "test_hr": gru.get("value"),
        "test_hr_ci": [gru.get("ci_low"), gru.get("ci_high")],
        "popularity_hr": test.get("popularity", {}).get("value"),
        "successor_hr": test.get("successor", {}).get("value"),
    }
