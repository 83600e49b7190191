import pytest

from flows.result import concluded
from models.errors import ModelError
from tasks.promote import Outcome

RUN = {
    "run_id": "r", "dataset_id": "d", "source": "shop", "size": "250k", "status": "finished", "stopped_at": None,
    "metric": "hr@10", "test_hr": 0.25, "test_hr_ci": [0.24, 0.26], "popularity_hr": 0.05, "successor_hr": 0.1,
    "best_validation_hr": 0.3, "best_validation_epoch": 2.0, "wall_s": 61.2, "code": "c",
}  # fmt: skip


def test_the_headline_has_the_model_the_baselines_and_the_report():
    said = str(concluded(RUN, "file:///report.html", None, reused=False))
    assert "GRU                        0.2500  (95 % interval 0.2400 to 0.2600)" in said
    assert "popularity                 0.0500" in said
    assert "trained in 61 s" in said
    assert said.endswith("report: file:///report.html")


def test_a_stored_run_is_said_to_be_one():
    assert "found in the store" in str(concluded(RUN, "", None, reused=True))


def test_the_verdict_stands_before_the_report():
    said = str(
        concluded({**RUN, "verdict": "H1, re-exposure", "is_issue": "cannot_tell"}, "file:///r", None, reused=False)
    )
    assert said.endswith("\nwhy the curves saw: H1, re-exposure; an issue: cannot tell\nreport: file:///r")


def test_a_run_of_an_older_version_has_no_verdict():
    assert "why the curves saw" not in str(concluded(RUN, "", None, reused=True))


def test_a_diverged_run_fails_the_night_and_names_step_run_and_remedy():
    with pytest.raises(ModelError, match=r"step 41 .* Run r is stored .* lower --training.optimizer.lr"):
        concluded({**RUN, "status": "diverged", "stopped_at": 41}, "file:///report.html", None, reused=False)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome("r", True, "it is the first"), "became the champion: it is the first\nreport"),
        (Outcome("q", False, "it is worse"), "did not become the champion, which is q: it is worse\nreport"),
    ],
)
def test_the_champion_and_the_reason_are_said(outcome, said):
    night = concluded(RUN, "", outcome, reused=False)
    assert said in str(night)
    assert (night.champion, night.promoted, night.promotion_reason) == (
        outcome.champion, outcome.promoted, outcome.reason,
    )  # fmt: skip
