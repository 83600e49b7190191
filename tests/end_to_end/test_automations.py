"""What the server does by itself: silent runs are marked, a webhook is told, and late nights become one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.events import EventTrigger, ResourceSpecification

from flows.automations import DROPPED, FAILED, SILENT, WEBHOOK, silent_runs
from tests.end_to_end.conftest import HOOK, Mailbox
from tests.end_to_end.serving import TINY, Served, wait_for

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


def send(served: Served, event: str, resource: str, payload: dict[str, Any]) -> None:
    """Emit an event as a client of the server does."""
    body = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": event,
        "resource": {"prefect.resource.id": resource},
        "payload": payload,
    }
    served.api("POST", "/events", [body])


def automations(served: Served) -> dict[str, Any]:
    return {each["name"]: each for each in served.api("POST", "/automations/filter", {})}


def test_what_watches_and_tells_is_installed_and_switched_on(served: Served) -> None:
    found = automations(served)
    assert all(found[name]["enabled"] for name in (SILENT, DROPPED, FAILED))
    assert found[SILENT]["trigger"]["within"] == 300


@contextmanager
def watching(served: Served, runs: list[str]) -> Iterator[None]:
    """Have the automation watch some runs only, and closely: any other would not send heartbeats often enough."""
    close = silent_runs(timedelta(seconds=20)).model_copy(update={"name": "test"})
    assert isinstance(close.trigger, EventTrigger)
    close.trigger.match = ResourceSpecification({"prefect.resource.id": [f"prefect.flow-run.{run}" for run in runs]})
    with SyncPrefectClient(api=f"{served.url}/api") as client:
        automation = client.create_automation(close)
        try:
            yield
        finally:
            client.delete_automation(automation)


def test_a_run_that_falls_silent_is_marked_as_crashed_and_one_that_is_heard_of_is_not(served: Served) -> None:
    """As when a machine dies with its worker: nobody is left to say what became of the run."""
    flow = served.api("POST", "/flows/", {"name": "test"})
    running = {"flow_id": flow["id"], "state": {"type": "RUNNING"}}
    silent, heard = (served.api("POST", "/flow_runs/", running)["id"] for _ in "ab")

    def crashed() -> bool:
        send(served, "prefect.flow-run.heartbeat", f"prefect.flow-run.{heard}", {})
        return bool(served.api("GET", f"/flow_runs/{silent}")["state_type"] == "CRASHED")

    with watching(served, [silent, heard]):
        send(served, "prefect.flow-run.heartbeat", f"prefect.flow-run.{silent}", {})
        wait_for(crashed, "mark on the silent run")
        assert served.api("GET", f"/flow_runs/{heard}")["state_type"] == "RUNNING"
    assert "No heartbeat" in served.api("GET", f"/flow_runs/{silent}")["state"]["message"]
    served.api("POST", f"/flow_runs/{heard}/set_state", {"state": {"type": "COMPLETED"}})


def test_a_drop_in_quality_is_posted_to_the_webhook(served: Served, mailbox: Mailbox) -> None:
    dropped = {
        "source": 'a "quoted" log',
        "size": "250k",
        "run_id": "abc123",
        "metric": "hr@10",
        "test_hr": 0.2,
        "median_hr": 0.33,
    }
    send(served, "sawtooth.quality.dropped", "sawtooth.champion.250k", dropped)
    posted = wait_for(
        lambda: [post for post in mailbox.posts if "Quality dropped" in post["body"]["text"]], "post about the drop"
    )
    assert posted == [
        {
            "path": HOOK,
            "type": "application/json",
            "body": {
                "text": 'Quality dropped: a "quoted" log, 250k: hr@10 on test is 0.2,'
                " the median of the nights before 0.33 (run abc123)."
            },
        }
    ]


def test_the_webhooks_address_is_not_shown(served: Served) -> None:
    """It lets whoever knows it write into the chat."""
    blocks = served.api("POST", "/block_documents/filter", {"block_documents": {"name": {"any_": [WEBHOOK]}}})
    assert len(blocks) == 1
    assert HOOK not in str(blocks)
    assert HOOK not in str(automations(served))
    assert HOOK not in served.said


def test_a_failed_run_is_posted_to_the_webhook(served: Served, mailbox: Mailbox) -> None:
    flow = served.api("POST", "/flows/", {"name": "test"})
    run = served.api("POST", "/flow_runs/", {"flow_id": flow["id"], "name": "sad", "state": {"type": "RUNNING"}})
    served.api("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "FAILED", "message": "disk is full"}})
    told = "Flow run sad: Failed. disk is full"
    wait_for(lambda: told in [post["body"]["text"] for post in mailbox.posts], "post about the failure")


def test_nights_that_an_outage_left_late_collapse_into_one(served: Served) -> None:
    """One runs, the others are cancelled and say why."""
    deployment = served.api("GET", "/deployments/name/nightly/250k")
    served.api("PATCH", "/work_pools/sawtooth", {"is_paused": True})
    for days in (3, 2, 1):
        at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at}}
        asked = {"name": f"late-{days}", "parameters": TINY, "state": state}
        served.api("POST", f"/deployments/{deployment['id']}/create_flow_run", asked)
    late = {"name": {"like_": "late-"}}
    wait_for(lambda: {run["state_name"] for run in served.runs(late)} == {"Late"}, "lateness")
    served.api("PATCH", "/work_pools/sawtooth", {"is_paused": False})
    wait_for(lambda: all(run["end_time"] for run in served.runs(late)), "end of the late runs")
    runs = served.runs(late)
    assert sorted(run["state_type"] for run in runs) == ["CANCELLED", "CANCELLED", "COMPLETED"]
    reasons = {run["state"]["message"] for run in runs if run["state_type"] == "CANCELLED"}
    assert reasons == {"Deployment concurrency limit reached."}
