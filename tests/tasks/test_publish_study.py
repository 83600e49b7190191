import json

from models.study import ArmOutcome
from tasks.publish_study import COLUMNS, Findings, arm_rows, publish_study
from tests.warehouse import study_cases as cases
from warehouse.store import Store
from warehouse.studies import publish_study as write_study

FOUND = Findings.model_validate({**cases.verdict(), "study_id": "s-1", "report": "file:///report.html"})


def test_the_answer_comes_first_then_the_arms_then_the_report():
    lines = str(FOUND).splitlines()
    assert lines[0].startswith("cause: H1, re-exposure")
    table = lines.index(next(line for line in lines if line.startswith("arm ")))
    assert [line.split()[0] for line in lines[table + 1 : table + 4]] == ["base", "fixed-order", "lr-0.01"]
    assert lines[-2:] == ["study s-1", "report: file:///report.html"]


def test_an_arm_is_one_line_with_its_intervals():
    (line,) = [line for line in str(FOUND).splitlines() if line.startswith("fixed-order")]
    for said in ("+0.004 [-0.006, +0.014]", "-0.004 [-0.007, -0.001]", "0.3050", "+0.002 [-0.002, +0.006]", "yes"):
        assert said in line
    assert line.endswith("cannot tell")


def test_an_arm_that_diverged_says_so_and_leaves_blanks():
    row = arm_rows(FOUND.arms)[2]
    assert row["arm"] == "lr-0.01 (diverged)"
    assert [row[name] for name in COLUMNS[1:5]] == ["", "", "", ""]


def test_a_number_without_interval_stands_alone():
    arm = ArmOutcome.model_validate(
        cases.outcome("base", "base", -0.3, sawtooth=[cases.sawtooth("train_loss", -0.3, None)])
    )
    assert arm_rows([arm])[0]["train sawtooth (nats)"] == "-0.3"


def test_json_is_the_verdict_with_its_place():
    said = json.loads(FOUND.model_dump_json())
    assert {key: said[key] for key in ("leading", "is_issue", "study_id", "report")} == {
        "leading": "H1", "is_issue": "no", "study_id": "s-1", "report": "file:///report.html",
    }  # fmt: skip
    assert [arm["name"] for arm in said["arms"]] == ["base", "fixed-order", "lr-0.01"]


def test_what_is_published_is_what_is_stored(tmp_path, monkeypatch):
    store = Store(tmp_path)
    write_study(store, cases.facts(), cases.verdict(), "page", {})
    assert publish_study("s-1", str(tmp_path)).report == (store.study("s-1") / "report.html").as_uri()
    monkeypatch.setenv("SAWTOOTH_REPORTS_URL", "http://127.0.0.1:4201")
    assert publish_study("s-1", str(tmp_path)) == FOUND.model_copy(
        update={"report": "http://127.0.0.1:4201/studies/s-1/report.html"}
    )
