"""What a night returns."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.errors import ModelError
from tasks.promote import Outcome


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
    verdict: str | None = Field(None, description="Why its curves saw, in a line; none in runs of older versions.")
    is_issue: str | None = Field(None, description="Whether that is an issue: yes, no, cannot_tell.")
    champion: str | None = Field(None, description="The run that is its source's and size's champion now.")
    promoted: bool | None = Field(None, description="Whether this one became it; none where it did not compete.")
    promotion_reason: str | None = Field(None, description="Why it did or did not.")
    wall_s: float = Field(description="Seconds that the training took.")

    def __str__(self) -> str:
        """Return the headline for people: numbers first, then where to read on."""
        interval = " to ".join(_number(bound) for bound in self.test_hr_ci)
        source = "found in the store" if self.reused else f"trained in {self.wall_s:,.0f} s"
        return (
            f"{self.metric} on the test windows of {self.source}, {self.size}:\n"
            f"  GRU                        {_number(self.test_hr)}  (95 % interval {interval})\n"
            f"  successor of the last item {_number(self.successor_hr)}\n"
            f"  popularity                 {_number(self.popularity_hr)}\n"
            f"best validation {self.metric} {_number(self.best_validation_hr)},"
            f" epoch {_number(self.best_validation_epoch, 2)}; run {self.run_id}, {source}\n"
            f"{self._said_of_curves()}"
            f"{self._said_of_champion()}"
            f"report: {self.report}"
        )

    def _said_of_curves(self) -> str:
        if self.verdict is None:
            return ""
        return f"why the curves saw: {self.verdict}; an issue: {(self.is_issue or 'cannot_tell').replace('_', ' ')}\n"

    def _said_of_champion(self) -> str:
        if self.promoted is None:
            return ""
        what = "became the champion" if self.promoted else f"did not become the champion, which is {self.champion}"
        return f"{what}: {self.promotion_reason}\n"


def _number(value: float | None, digits: int = 4) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"


def concluded(run: dict[str, Any], address: str, outcome: Outcome | None, *, reused: bool) -> Night:
    """Return a run as a night's result.

    Raises
    ------
    ModelError
        If the training diverged; its run is in the store all the same.
    """
    if run["status"] == "diverged":
        message = (
            f"training diverged: step {run['stopped_at']} met a loss, gradient or score that is not finite."
            f" Run {run['run_id']} is stored with its curves ({address}); lower --training.optimizer.lr"
        )
        raise ModelError(message)
    said = {"report": address, "reused": reused}
    if outcome:
        said |= {"champion": outcome.champion, "promoted": outcome.promoted, "promotion_reason": outcome.reason}
    return Night.model_validate({**run, **said})
