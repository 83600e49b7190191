"""What a night returns."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.errors import ModelError


class Night(BaseModel):
    """A night's headline: where the report is and the numbers people ask for first."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    run_id: str
    dataset_id: str
    source: str
    size: str
    status: str
    reused: bool = Field(description="Whether the run was in the store before.")
    report: str = Field(description="Address of the HTML report.")
    metric: str = Field(description="The hit ratio that the numbers are of.")
    test_hr: float | None
    test_hr_ci: tuple[float | None, float | None]
    popularity_hr: float | None
    successor_hr: float | None
    best_validation_hr: float | None
    best_validation_epoch: float | None
    wall_s: float = Field(description="Seconds that the training took.")


def concluded(run: dict[str, Any], address: str, *, reused: bool) -> Night:
    """Return a run as a night's result.

    Raises
    ------
    ModelError
        If the training diverged; its run is in the store all the same.
    """
    if run["status"] == "diverged":
        message = (
            f"training diverged: step {run['stopped_at']} had a loss or gradient that is not finite."
            f" Run {run['run_id']} is stored with its curves ({address}); lower --training.optimizer.lr"
        )
        raise ModelError(message)
    return Night.model_validate({**run, "report": address, "reused": reused})
