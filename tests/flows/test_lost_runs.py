"""Crashed runs are asked for again, twice; what was to be cancelled stays so; nobody else's runs are touched."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.states import AwaitingRetry, Cancelled, Cancelling, Completed, Crashed, Failed, Pending, Running, State

from flows import lost_runs
from flows.lost_runs import POOL, RETRIES, mark_lost_runs, retry_crashed_runs
from flows.read_curves import read_curves
from tasks.check_store import check_store

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


@pytest.fixture(scope="module")
def client(prefect_server: None) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        yield client


@pytest.fixture(scope="module")
def deployment(client: SyncPrefectClient) -> UUID:
    flow = client.create_flow(read_curves)
    return client.create_deployment(flow, "test", work_pool_name=POOL, entrypoint="flows.read_curves:read_curves")


def run_in(client: SyncPrefectClient, deployment: UUID, *states: State[Any], labels: Any = None) -> UUID:
    """Return a flow run that went through some states."""
    run = client.create_flow_run_from_deployment(deployment, labels=labels)
    for state in states:
        client.set_flow_run_state(run.id, state, force=True)
    return run.id


def state_of(client: SyncPrefectClient, run: UUID) -> str:
    state = client.read_flow_run(run).state
    assert state is not None
    return str(state.name)


def test_a_crashed_run_is_asked_for_again_twice_and_then_left(client: SyncPrefectClient, deployment: UUID) -> None:
    run = run_in(client, deployment)
    for _ in range(RETRIES):
        client.set_flow_run_state(run, Running())
        client.set_flow_run_state(run, Crashed())
        retry_crashed_runs(client)
        assert state_of(client, run) == "AwaitingRetry"
    client.set_flow_run_state(run, Running())
    client.set_flow_run_state(run, Crashed())
    retry_crashed_runs(client)
    assert state_of(client, run) == "Crashed"


def test_a_run_that_crashes_before_it_starts_is_not_asked_for_without_end(
    client: SyncPrefectClient, deployment: UUID
) -> None:
    """Its own count of runs stays at zero."""
    run = run_in(client, deployment)
    for _ in range(RETRIES + 3):
        client.set_flow_run_state(run, Pending())
        client.set_flow_run_state(run, Crashed())
        retry_crashed_runs(client)
    assert client.read_flow_run(run).run_count == 0
    assert state_of(client, run) == "Crashed"


@pytest.mark.parametrize("ended", [Failed(), Completed()], ids=["failed", "completed"])
def test_what_ended_otherwise_is_not_asked_for_again(
    client: SyncPrefectClient, deployment: UUID, ended: State[Any]
) -> None:
    run = run_in(client, deployment, Running(), ended)
    retry_crashed_runs(client)
    assert state_of(client, run) == ended.name


@pytest.mark.parametrize("states", [[Cancelling(), Crashed()], [Cancelling(), Cancelled(), Crashed()]])
def test_a_cancelled_run_that_calls_its_end_a_crash_is_cancelled(
    client: SyncPrefectClient, deployment: UUID, states: list[State[Any]]
) -> None:
    run = run_in(client, deployment, Running(), *states)
    retry_crashed_runs(client)
    assert state_of(client, run) == "Cancelled"


def test_a_crash_after_a_cancelled_run_was_asked_for_again_is_a_crash(
    client: SyncPrefectClient, deployment: UUID
) -> None:
    run = run_in(client, deployment, Running(), Cancelling(), Cancelled(), AwaitingRetry(), Running(), Crashed())
    retry_crashed_runs(client)
    assert state_of(client, run) == "AwaitingRetry"


def test_a_crash_of_long_ago_is_left(
    client: SyncPrefectClient, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_in(client, deployment, Running(), Crashed())
    monkeypatch.setattr(lost_runs, "STILL_WANTED", timedelta(0))
    retry_crashed_runs(client)
    assert state_of(client, run) == "Crashed"


def test_a_child_is_left_to_its_parent(client: SyncPrefectClient, deployment: UUID) -> None:
    parent = run_in(client, deployment)
    task = client.create_task_run(task=check_store, flow_run_id=parent, dynamic_key="0")
    child = client.create_flow_run_from_deployment(deployment, parent_task_run_id=task.id)
    client.set_flow_run_state(child.id, Crashed(), force=True)
    retry_crashed_runs(client)
    assert state_of(client, child.id) == "Crashed"


@pytest.mark.parametrize(
    ("states", "labels", "becomes"),
    [
        ([Pending()], None, "Crashed"),
        ([Running()], {"prefect.worker.name": "sawtooth-serve"}, "Crashed"),
        ([Running(), Cancelling()], {"prefect.worker.name": "sawtooth-serve"}, "Cancelled"),
        ([Running()], {"prefect.worker.name": "another machine's"}, "Running"),
    ],
    ids=["never started", "running", "to be cancelled", "of another worker"],
)
def test_what_this_commands_worker_left_is_marked(
    client: SyncPrefectClient, deployment: UUID, states: list[State[Any]], labels: Any, becomes: str
) -> None:
    run = run_in(client, deployment, *states, labels=labels)
    mark_lost_runs(client)
    assert state_of(client, run) == becomes
