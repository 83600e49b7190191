"""The page holds what was run, escapes what it is given, loads nothing, and survives what is missing."""

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.warehouse import study_cases as cases
from warehouse.report import best_validation, duration, flattened, jumps, render_report, share, shown, standings

EPOCHS, PHASES, STEPS = 6, 4, 976


def curve_points() -> pl.DataFrame:
    """Return a run of six epochs whose running loss falls at each first quarter, and whose probe does not."""
    rows = []
    for number in range(1, EPOCHS * PHASES + 1):
        epoch, phase = number / PHASES, (number - 1) % PHASES + 1
        falling = 2.2 * np.exp(-epoch)
        losses = {
            "train_running": 5.2 + falling + 0.10 * (phase - 1) - 0.08 * epoch if epoch > 1 else 5.4 + falling,
            "train_probe": 5.1 + falling - 0.09 * epoch,
            "validation": 5.6 + falling + (0.03 if phase == 1 and epoch > 1 else 0) + 0.01 * epoch,
        }
        for estimator, loss in losses.items():
            hit = 0.62 - 0.065 * loss
            place = {"step": number * STEPS // PHASES, "epoch": epoch, "phase": phase, "estimator": estimator}
            rows.append(place | {"metric": "loss", "value": loss, "ci_low": loss - 0.03, "ci_high": loss + 0.03})
            rows.append(place | {"metric": "hr@10", "value": hit, "ci_low": hit - 0.009, "ci_high": hit + 0.009})
    return pl.DataFrame(rows)


def step_losses(count: int = EPOCHS * STEPS) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    epoch = np.arange(1, count + 1) / STEPS
    loss = 5.2 + 2.5 * np.exp(-1.5 * epoch) - 0.08 * epoch + 0.35 * (epoch % 1) + 0.14 * rng.standard_normal(count)
    return pl.DataFrame({"step": np.arange(1, count + 1), "epoch": epoch, "loss_nats": loss})


def norm_rows() -> pl.DataFrame:
    rows = []
    for number in range(1, EPOCHS * PHASES + 1):
        for place, group in enumerate(("embedding", "gru", "output")):
            at = {"step": number * STEPS // PHASES, "epoch": number / PHASES, "phase": 1, "group": group}
            rows.append(at | {"quantity": "gradient", "value": 0.4 / (place + 1) * (1 + 0.05 * number)})
            rows.append(at | {"quantity": "weight", "value": 60.0 * (place + 1) + 4 * number})
    return pl.DataFrame(rows)


def score_rows() -> pl.DataFrame:
    values = {"gru": 0.312, "successor": 0.241, "popularity": 0.047}
    factors = {"hr@10": 1.0, "mrr@10": 0.46, "ndcg@10": 0.58}
    rows = []
    for split in ("validation", "test"):
        for model, value in values.items():
            for metric, factor in factors.items():
                score = value * factor
                row = {"model": model, "split": split, "metric": metric, "value": score}
                rows.append(row | {"ci_low": score - 0.009, "ci_high": score + 0.009})
            row = {"model": model, "split": split, "metric": "coverage@10", "value": 0.7}
            rows.append(row | {"ci_low": None, "ci_high": None})
    return pl.DataFrame(rows)


def pieces(**changes: Any) -> dict[str, Any]:
    """Return all that a report is made from, some of it replaced."""
    run = {
        "run_id": "r-3f9c1ab27d40",
        "dataset_id": "d-81be02c4a9f3",
        "source": "complete_journey",
        "size": "250k",
        "seed": 0,
        "status": "finished",
        "stopped_at": None,
        "started_at": "2026-03-01 02:00:14",
        "wall_s": 431.7,
        "samples_per_s": 5480.3,
        "device": "cpu",
        "versions": {"sawtooth": "0.1.0", "torch": "2.9.0", "python": "3.11.9"},
    }
    config = {
        "seed": 0,
        "model": {"embedding": 64, "hidden": 128, "layers": 1, "dropout": 0.0},
        "optimizer": {"name": "adam", "lr": 0.003, "betas": [0.9, 0.999], "eps": 1e-8, "clip_norm": None},
        "training": {"batch": 256, "epochs": 6, "evaluations_per_epoch": 4, "order": "reshuffled"},
    }
    dataset = {
        "dataset_id": "d-81be02c4a9f3",
        "source": "complete_journey",
        "counts": {
            "windows": {"train": 250_000, "validation": 10_000, "test": 10_000},
            "events": 1_469_307,
            "users": 2_469,
            "items": 68_509,
            "unknown_targets": {"validation": 312, "test": 401},
        },
        "cuts": {"t1": "2017-11-26 14:03:00", "t2": "2017-12-14 09:41:00"},
        "ties": {
            "choice": "hash",
            "reason": "the tied rows are sorted by item",
            "ascending_share": 0.9731,
            "tied_pairs": 1_201_442,
            "interval": [0.9728, 0.9734],
        },
        "gates": [
            {"name": "No target is in its own history's future", "passed": True, "evidence": "0 of 270,000 windows"},
            {"name": "Validation windows not in train", "passed": False, "evidence": "41 of 10,000 (0.4 %)"},
        ],
        "ingest": {"files": 1, "rows": 1_469_307, "quarantined": {"no item": 12, "time not readable": 3}},
        "hashes": {"content": "9e107d9d372bb6826bd81d3542a419d6", "windows": "e4d909c290d0fb1ca068ffaddf22cbd0"},
    }
    given = {
        "run": run,
        "config": config,
        "dataset": dataset,
        "points": curve_points(),
        "steps": step_losses(),
        "norms": norm_rows(),
        "scores": score_rows(),
        "command": "python -m flows nightly --preset complete_journey --size 250k --seed 0",
    }
    return {key: value | changes.get(key, {}) if isinstance(value, dict) else changes.get(key, value)
            for key, value in given.items()}  # fmt: skip


def body(page: str) -> str:
    """Return the page without its scripts and with runs of white space as one space."""
    return re.sub(r"\s+", " ", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(**pieces())


def test_the_headline_says_what_was_trained_on_what_and_how_well(page: str) -> None:
    text = body(page)
    assert "first ten in 31.2% of the test windows" in text
    assert "<strong>250,000</strong> windows of <strong>complete_journey</strong>, 68,509 items, seed 0." in text
    assert "1.3 times as many as the commonest successors of the last item and 6.6 times as many as the ten" in text
    assert "30.3% to 32.1%" in text


def test_another_hit_rate_may_lead() -> None:
    points, scores = (
        frame.with_columns(pl.col("metric").replace("hr@10", "hr@20")) for frame in (curve_points(), score_rows())
    )
    text = body(render_report(**pieces(run={"metric": "hr@20"}, points=points, scores=scores)))
    assert "first 20 in 31.2% of the test windows" in text
    assert "Best validation HR@20" in text
    assert "the 20 most popular items" in text


def test_every_part_is_there(page: str) -> None:
    text = body(page)
    for part in ("What the curves show", "Metrics and baselines", "Data", "Norms", "Settings", "How to reproduce"):
        assert f"<h2>{part}</h2>" in text
    for fact in ("time not readable", "0.9731", "2017-12-14 09:41:00", "clip_norm", "0.9, 0.999", "e4d909c290d0fb1ca0"):
        assert fact in text
    assert text.count('aria-label="passed"') == 1
    assert text.count('aria-label="failed"') == 1
    assert "0.7000</td>" in text  # coverage@10 has no interval
    for name in ("curves", "steps", "gradient", "weight"):
        assert f'id="figure-{name}"' in page


def test_nothing_is_loaded(page: str) -> None:
    tags = re.findall(r"<(?:script|link|img|iframe|source|object)\b[^>]*>", page)
    assert tags
    assert not [tag for tag in tags if re.search(r"(?:src|href)\s*=\s*[\"'](?!data:)", tag)]
    assert "http://" not in body(page)
    assert "https://" not in body(page)
    assert "@import" not in body(page)
    assert page.count("Content-Security-Policy") >= 1


def test_names_are_escaped() -> None:
    evil = "<img src=x onerror=alert(1)>"
    dataset = {"ingest": {"files": 1, "rows": 2, "quarantined": {evil: 1}}, "counts": {evil: 1}}
    page = render_report(**pieces(run={"source": evil}, dataset=dataset, config={evil: {evil: evil}}, command=evil))
    assert evil not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_group_cannot_close_the_script_of_its_figure() -> None:
    norms = norm_rows().with_columns(pl.lit("</script><script>alert(1)</script>").alias("group"))
    assert "</script><script>alert(1)" not in render_report(**pieces(norms=norms))


def test_a_diverged_run_says_so_and_names_the_step() -> None:
    text = body(render_report(**pieces(run={"status": "diverged", "stopped_at": 1_234}, scores=score_rows().clear())))
    assert "Training diverged at step 1,234" in text
    assert "(epoch 1.26)" in text
    assert "No final scores: the run diverged before they were taken." in text
    assert 'role="alert"' in text


def test_a_finished_run_has_no_banner(page: str) -> None:
    assert 'role="alert"' not in page


def test_a_run_that_diverged_at_once_has_neither_curves_nor_steps() -> None:
    given = pieces(run={"status": "diverged", "stopped_at": 1})
    for name in ("points", "steps", "norms", "scores"):
        given[name] = given[name].clear()
    page = render_report(**given)
    assert "Training diverged at step 1<" in body(page)
    assert 'id="figure-' not in page


def test_order_cuts_and_no_quarantine_render() -> None:
    dataset = {"cuts": {"t1": 449_000, "t2": 474_000}, "ingest": {"files": 1, "rows": 500_000}}
    text = body(render_report(**pieces(dataset=dataset)))
    assert "474,000" in text
    assert "No row was set aside." in text


def test_a_bare_manifest_renders() -> None:
    given = pieces() | {"dataset": {"dataset_id": "d"}, "config": {}}
    given["run"] = {"run_id": "r", "seed": 3, "status": "finished", "size": "1m"}
    assert "<strong>1m</strong> windows of <strong>a log</strong>" in body(render_report(**given))


def test_unknown_facts_are_shown_under_their_own_names() -> None:
    assert "vocabulary.rare_items" in render_report(**pieces(dataset={"vocabulary": {"rare_items": 77}}))


def test_jumps_tell_the_running_average_from_the_probe() -> None:
    rows = {row["name"]: row for row in jumps(curve_points(), ["loss"])}
    assert rows["train, running"]["count"] == EPOCHS - 2
    assert rows["train, running"]["across"] < -0.25
    assert rows["train, running"]["within"] > 0.1
    assert abs(rows["train, frozen probe"]["across"]) < 0.1


def test_jumps_by_hand() -> None:
    points = pl.DataFrame(
        {
            "step": [1, 2, 3, 4, 5, 6],
            "epoch": [0.5, 1.0, 1.5, 2.0, 2.5, 3.0],
            "phase": [1, 2, 1, 2, 1, 2],
            "estimator": ["validation"] * 6,
            "metric": ["loss"] * 6,
            "value": [9.0, 8.0, 5.0, 6.0, 4.0, 4.5],
        }
    )
    [row] = jumps(points, ["loss"])
    assert (row["across"], row["within"], row["count"]) == (-2.0, 0.75, 1)


def test_the_best_validation_is_the_first_of_equals() -> None:
    points = pl.DataFrame(
        {"step": [1, 2, 3], "epoch": [1.0, 2.0, 3.0], "estimator": ["validation"] * 3, "metric": ["hr@10"] * 3,
         "value": [0.1, 0.2, 0.2]}
    )  # fmt: skip
    assert best_validation(points) == points.row(1, named=True)
    assert best_validation(points.clear()) is None


def test_standings_put_the_trained_model_first() -> None:
    assert [row["model"] for row in standings(score_rows().reverse())] == ["gru", "successor", "popularity"]


def test_values_are_shown_for_people() -> None:
    assert [shown(value) for value in (None, True, 1234567, 0.30000000004, [0.9, 0.999], {}, "x")] == [
        "not set", "yes", "1,234,567", "0.3", "0.9, 0.999", "not set", "x",
    ]  # fmt: skip
    assert [
        shown(value)
        for value in ("2025-12-09T19:24:48+00:00", "2025-12-09T19:24:48.123", datetime(2025, 12, 9, tzinfo=UTC))
    ] == ["2025-12-09 19:24:48 UTC", "2025-12-09 19:24:48.123", "2025-12-09 00:00:00 UTC"]
    assert [duration(value) for value in (None, 4, 64.4, 7_320)] == ["not set", "4 s", "1 min 4 s", "2 h 2 min"]
    assert share(0.1234) == "12.3%"
    assert flattened({"a": {"b": 1, "c": {}}, "d": 2}) == [("a.b", 1), ("a.c", {}), ("d", 2)]


def test_the_verdict_stands_before_the_curves_with_its_evidence() -> None:
    run = {"verdict": "H1, re-exposure & more", "is_issue": "no"}
    page = body(render_report(**pieces(run=run), verdict=cases.verdict()))
    section = page[page.index('<section id="verdict">') : page.index('<section id="curves">')]
    for said in ("H1, re-exposure &amp; more", "<dd>no</dd>", "Falls at each boundary.", "Dips a little.", "83%"):
        assert said in section
    assert section.index("gone with &lt;one&gt; order") < section.index("the probe is smooth")  # the strongest first
    assert '<a href="#verdict">' in page


def test_a_run_that_was_not_judged_says_why() -> None:
    run = {"verdict": "cannot be judged: one evaluation", "is_issue": "cannot_tell"}
    assert "<p>Cannot be judged: one evaluation</p>" in body(render_report(**pieces(run=run), verdict=None))


def test_a_run_of_an_older_version_has_no_section_of_its_verdict(page: str) -> None:
    assert "Why do the curves saw" not in page
