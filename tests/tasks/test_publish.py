import base64

import polars as pl

from tasks.publish import curves_page, data_page, metrics_table

RUN = {
    "run_id": "r", "metric": "hr@10", "best_validation_hr": 0.25, "best_validation_epoch": 1.5, "status": "finished",
    "stopped_at": None,
}  # fmt: skip
MANIFEST = {
    "source": "shop", "dataset_id": "d", "cuts": {"t1": "2011-10-01", "t2": None},
    "counts": {"windows": {"train": 2_000}, "items": 80},
    "gates": [{"name": "no window in two splits", "passed": True, "evidence": "0 of 2,000"}],
    "ingest": {"quarantined": {"missing user": 1_234}},
}  # fmt: skip


def score(model: str, metric: str, value: float, low: float | None) -> dict[str, object]:
    return {"model": model, "split": "test", "metric": metric, "value": value, "ci_low": low, "ci_high": low}


def test_a_metric_is_a_row_and_a_model_a_column():
    scores = pl.DataFrame([
        score("gru", "hr@10", 0.2, 0.1),
        score("popularity", "hr@10", 0.05, 0.04),
        score("gru", "coverage@10", 0.5, None),
    ])  # fmt: skip
    assert metrics_table(scores) == [
        {"split": "test", "metric": "hr@10", "gru": "0.2000 [0.1000, 0.1000]", "popularity": "0.0500 [0.0400, 0.0400]"},
        {"split": "test", "metric": "coverage@10", "gru": "0.5000"},
    ]


def test_the_curves_carry_their_picture():
    page = curves_page(RUN, b"png")
    assert f"![curves](data:image/png;base64,{base64.b64encode(b'png').decode()})" in page
    assert "Best validation hr@10 0.2500, epoch 1.5." in page
    assert "Diverged" not in page
    assert "**Diverged: stopped before step 41.**" in curves_page({**RUN, "status": "diverged", "stopped_at": 41}, b"")


def test_the_curves_page_says_why_they_saw():
    page = curves_page({**RUN, "verdict": "H1, re-exposure", "is_issue": "cannot_tell"}, b"")
    assert "**Why the curves saw: H1, re-exposure.** Is it an issue: cannot tell." in page
    assert "Why" not in curves_page(RUN, b"")


def test_the_data_page_says_gates_quarantine_and_counts():
    page = data_page(MANIFEST)
    assert "| yes | no window in two splits | 0 of 2,000 |" in page
    assert "- 1,234 rows: missing user" in page
    assert "2,000 |" in page
