"""What `doctor` asks Prefect's server: does it answer, does a worker, do schedules fire, is it watched."""

from collections.abc import Iterator
from typing import Literal

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import StateType, WorkerStatus
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from pydantic import BaseModel, ConfigDict

from flows.automations import SILENT
from flows.lost_runs import POOL
from flows.server import api_url, server_password

_SERVE = "start it: make serve"


class Finding(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True)

    check: str
    state: Literal["well", "wrong"]
    found: str
    to_do: str = ""


def well(check: str, found: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(check=check, state="well", found=found)


def wrong(check: str, found: str, to_do: str) -> Finding:
    """Return that something is not, and what to do about it."""
    return Finding(check=check, state="wrong", found=found, to_do=to_do)


def server_findings(port: int) -> list[Finding]:
    """Return what there is to say of the server at PREFECT_API_URL, or else on a port of this machine.

    A server that does not answer is one finding; what only it could tell is left out.
    """
    settings = get_current_settings()
    url = settings.api.url or api_url(port)
    secret = settings.api.auth_string
    password = secret.get_secret_value() if secret else server_password()
    try:
        with SyncPrefectClient(api=url, auth_string=password) as client:
            said = client.request("GET", "/admin/version").json()
            found = [_worker(client), *_schedules(client), _automation(client)]
        return [well("server", f"Prefect {said} at {url}"), *found]
    except httpx.HTTPStatusError as error:
        return [_refused(url, error.response.status_code)]
    except httpx.HTTPError as error:
        return [
            wrong("server", f"nobody answers at {url} ({type(error).__name__})", f"{_SERVE}; or set PREFECT_API_URL")
        ]


def _refused(url: str, status: int) -> Finding:
    if status == httpx.codes.UNAUTHORIZED:
        return wrong("server", f"{url} wants a password", "set PREFECT_API_AUTH_STRING to name:password")
    return wrong("server", f"{url} answers with status {status}", "look into its log; is it a Prefect server?")


def _worker(client: SyncPrefectClient) -> Finding:
    try:
        pool = client.read_work_pool(POOL)
    except ObjectNotFound:
        return wrong("worker", f"there is no work pool {POOL}", _SERVE)
    online = [each.name for each in client.read_workers_for_work_pool(POOL) if each.status == WorkerStatus.ONLINE]
    if not online:
        return wrong(
            "worker", f"no worker is online on the pool {POOL}", f"{_SERVE}; or prefect worker start -p {POOL}"
        )
    if pool.is_paused:
        return wrong("worker", f"the pool {POOL} is paused", f"prefect work-pool resume {POOL}")
    return well("worker", ", ".join(online))


def _schedules(client: SyncPrefectClient) -> Iterator[Finding]:
    """Yield a finding for each deployment that has a schedule: are there runs to come, not only a schedule."""
    ours = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    for deployment in client.read_deployments(work_pool_filter=ours):
        if not deployment.schedules:
            continue
        name = f"schedule of {client.read_flow(deployment.flow_id).name}/{deployment.name}"
        if deployment.paused or not any(each.active for each in deployment.schedules):
            yield well(name, "paused")
        elif n_scheduled := _count_scheduled(client, deployment):
            yield well(name, f"{n_scheduled} runs to come")
        else:
            yield wrong(
                name,
                "active, but no run is to come",
                "wait a minute after a start; then see that SQLAlchemy is below 2.1 and read the server's log",
            )


def _count_scheduled(client: SyncPrefectClient, deployment: DeploymentResponse) -> int:
    scheduled = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    return client.count_flow_runs(
        flow_run_filter=FlowRunFilter(state=scheduled),
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
    )


def _automation(client: SyncPrefectClient) -> Finding:
    found = client.read_automations_by_name(SILENT)
    if not found:
        return wrong("automation", f"{SILENT!r} is not installed: a run whose machine dies runs for ever", _SERVE)
    if not found[0].enabled:
        return wrong("automation", f"{SILENT!r} is paused", "switch it on in the UI, under Automations")
    return well("automation", SILENT)
