"""Arms as runs of the deployment nightly/arm: any worker on its pool takes the next one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Cancelling

from tasks.arms_here import AN_EXPERIMENT
from tasks.plan import PlannedRun, Question, StudyPlan
from tasks.verb import in_flow_run
from warehouse.errors import WarehouseError

DEPLOYMENT = "nightly/arm"


class StartDeployed(Protocol):
    """Asks for a run of the deployment."""

    def __call__(self, run: PlannedRun) -> "DeployedRun":
        """Ask for it."""


@dataclass
class DeployedRun:
    """A flow run of an arm."""

    client: SyncPrefectClient
    flow_run: FlowRun

    def is_over(self) -> bool:
        """Return whether it ended, well or not."""
        self.flow_run = self.client.read_flow_run(self.flow_run.id)
        return self.flow_run.state is not None and self.flow_run.state.is_final()

    def last_words(self) -> str:
        """Return what became of it; a run that completed is missing here only where stores differ."""
        state = self.flow_run.state
        if state is not None and state.is_completed():
            return f"flow run {self.flow_run.name} completed, but in another store: workers must share one folder"
        said = f"{state.name} {state.message or ''}".strip() if state else "no state"
        return f"{said} (flow run {self.flow_run.name})"

    def end(self) -> None:
        """Ask the worker to end it."""
        self.client.set_flow_run_state(self.flow_run.id, Cancelling())


@contextmanager
def arms_deployed(plan: StudyPlan) -> Iterator[StartDeployed]:
    """Yield what asks for a run of the deployment, as a part of this flow run where there is one.

    Raises
    ------
    WarehouseError
        If there is no server, or it does not know the deployment.
    """
    if not get_current_settings().api.url:
        message = "--study.arms-run deployments needs a Prefect server: set PREFECT_API_URL, or say here"
        raise WarehouseError(message)
    with get_client(sync_client=True) as client:

        def start(run: PlannedRun) -> DeployedRun:
            asked = parameters_of(plan.question, run)
            try:
                flow_run = run_deployment(
                    DEPLOYMENT, parameters=asked, flow_run_name=str(run), timeout=0, as_subflow=in_flow_run()
                )
            except ObjectNotFound as error:
                message = f"there is no deployment {DEPLOYMENT}: make serve, or prefect deploy --all"
                raise WarehouseError(message) from error
            return DeployedRun(client, cast("FlowRun", flow_run))

        yield start


def parameters_of(question: Question, run: PlannedRun) -> dict[str, Any]:
    """Return the deployment's parameters for a run, as JSON has them."""
    compute = question.compute.model_copy(update={"threads": question.compute.threads or 1})
    asked = {
        "source": question.source, "dataset": question.dataset, "training": run.training, "compute": compute,
        "extraction": question.extraction, "promotion": AN_EXPERIMENT,
    }  # fmt: skip
    said = {name: model.model_dump(mode="json", exclude_defaults=True) for name, model in asked.items()}
    return {**said, "size": question.size, "store": question.store}
