"""A study whose arms are runs of a deployment: a worker takes each, and the study concludes from them."""

import json
import re

import pytest

from tests.end_to_end.serving import TINY, Served, fetched

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


def test_arms_go_out_as_flow_runs_and_their_study_has_a_report(served: Served) -> None:
    study = {"rates": [0.003, 0.01], "seeds": 1, "workers": 2, "arms_run": "deployments"}
    training = {**TINY["training"], "epochs": 3}
    asked = json.dumps({**TINY, "training": training, "study": study})
    run = served.prefect("deployment", "run", "sweep/rates", "--watch", "--params", asked)
    assert run.returncode == 0, run.stdout + served.said
    arms = served.api("POST", "/flow_runs/filter", {"deployments": {"name": {"any_": ["arm"]}}})
    assert sorted(arm["name"] for arm in arms) == ["lr-0.003-seed-0", "lr-0.01-seed-0"]
    assert {arm["state_type"] for arm in arms} == {"COMPLETED"}
    assert all(arm["parent_task_run_id"] for arm in arms)
    artifact = served.api("GET", "/artifacts/report-sweep-250k/latest")
    [link] = re.findall(rf"{served.reports_url}(/studies/[^/]+/report\.html)", artifact["data"])
    status, page, _ = fetched(served.reports_port, link)
    assert status == 200
    assert b"lr-0.01" in page


@pytest.mark.parametrize(
    ("name", "entrypoint", "n_schedules"),
    [
        ("diagnose/weekly", "flows.diagnose:diagnose", 1),
        ("sweep/rates", "flows.sweep:sweep", 0),
        ("read-curves/file", "flows.read_curves:read_curves", 0),
        ("nightly/arm", "flows.nightly:nightly", 0),
    ],
)
def test_studies_are_deployed(served: Served, name: str, entrypoint: str, n_schedules: int) -> None:
    stored = served.api("GET", f"/deployments/name/{name}")
    assert stored["entrypoint"] == entrypoint
    assert len(stored["schedules"]) == n_schedules
    assert not stored["path"]
