"""Arms as deployments: asked for with nightly's own parameters, and their ends are told."""

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling, Completed, Failed, Running

from flows.nightly import nightly
from tasks import arms_deployed as deployed
from tasks.arms_deployed import DeployedRun, arms_deployed, parameters_of
from tasks.plan import plan_arms
from tests.tasks.conftest import TINY
from warehouse.config import Sweep
from warehouse.errors import WarehouseError

PLAN = plan_arms(replace(TINY, study=Sweep(rates=(0.01,), seeds=1)), "d")
RUN = list(PLAN.runs(PLAN.arms))[-1]


@dataclass
class Client:
    """A server that says one state, and keeps what it is told."""

    state: object
    told: list[object] = field(default_factory=list)

    def read_flow_run(self, identity):
        return FlowRun(id=identity, flow_id=uuid4(), name="calm-otter", state=self.state)

    def set_flow_run_state(self, identity, state):
        self.told.append((identity, state.type))


def seen(state) -> DeployedRun:
    client = Client(state)
    run = DeployedRun(client, client.read_flow_run(uuid4()))
    run.over = run.is_over()
    return run


def test_the_deployment_is_asked_as_the_form_would():
    asked = json.loads(json.dumps(parameters_of(PLAN.question, RUN)))
    said = nightly.validate_parameters(asked)
    assert (said["source"], said["dataset"], said["size"]) == (TINY.source, TINY.dataset, "250k")
    assert said["training"] == RUN.training
    assert not said["promotion"].compete
    assert said["compute"].threads == 1
    assert said["store"] is None


def test_a_run_that_goes_on_is_not_over():
    assert not seen(Running()).over


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (Failed(message="no disk"), "Failed no disk (flow run calm-otter)"),
        (Completed(), "flow run calm-otter completed, but in another store: workers must share one folder"),
    ],
)
def test_an_end_is_told(state, said):
    run = seen(state)
    assert run.over
    assert run.last_words() == said


def test_ending_a_run_asks_its_worker_to():
    run = seen(Running())
    run.end()
    assert run.client.told == [(run.flow_run.id, Cancelling().type)]


@pytest.fixture
def server(monkeypatch):
    """Pretend that there is a server."""
    monkeypatch.setattr(deployed, "get_current_settings", lambda: SimpleNamespace(api=SimpleNamespace(url="http://x")))


def test_without_a_server_it_says_what_to_set(monkeypatch):
    monkeypatch.setattr(deployed, "get_current_settings", lambda: SimpleNamespace(api=SimpleNamespace(url=None)))
    with pytest.raises(WarehouseError, match="set PREFECT_API_URL"), arms_deployed(PLAN):
        pass


@pytest.mark.usefixtures("server")
def test_a_run_is_asked_for_without_waiting_for_it(monkeypatch):
    asked = {}

    def note(name, **said):
        asked.update(said, name=name)
        return FlowRun(flow_id=uuid4())

    monkeypatch.setattr(deployed, "run_deployment", note)
    with arms_deployed(PLAN) as start:
        assert isinstance(start(RUN), DeployedRun)
    assert (asked["name"], asked["flow_run_name"], asked["timeout"]) == ("nightly/arm", "lr-0.01-seed-0", 0)
    assert asked["as_subflow"] is False


@pytest.mark.usefixtures("server")
def test_a_missing_deployment_is_said(monkeypatch):
    def missing(*_, **__):
        raise ObjectNotFound(http_exc=None)

    monkeypatch.setattr(deployed, "run_deployment", missing)
    with arms_deployed(PLAN) as start, pytest.raises(WarehouseError, match="no deployment nightly/arm: make serve"):
        start(RUN)
