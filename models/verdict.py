"""A verdict: the answer to why curves saw, with its evidence, for machines (JSON) and for people (text)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.hypotheses import NAMES, HypothesisId

Issue = Literal["yes", "no", "cannot_tell"]


class Said(BaseModel):
    """What is concluded: closed and frozen, for machines as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EvidenceFor(Said):
    """An observation as it bears on one hypothesis."""

    statement: str
    ratio: float = Field(description="Times as probable as under a cause not listed; above 1 speaks for.")


class Hypothesis(Said):
    """One possible cause."""

    id: HypothesisId
    name: str
    support: float = Field(ge=0, le=1)
    evidence: tuple[EvidenceFor, ...]


class CurveSawtooth(Said):
    """The sawtooth of one curve."""

    curve: str
    excess: float = Field(description="Jump at the boundary beyond the steps within epochs, in the curve's unit.")
    low: float | None = Field(description="95 % interval; none of a single boundary.")
    high: float | None
    over: Literal["epochs", "seeds"]
    direction: Literal["up", "down", "none"]
    share_of_variance: float | None = Field(description="At the epoch's period, trend removed, 0 to 1.")
    share_p_value: float | None
    evaluations_per_epoch: int
    boundaries: int


class CurveVerdict(Said):
    """What curves alone say of why they saw."""

    leading: HypothesisId | None
    hypotheses: tuple[Hypothesis, ...] = Field(description="The most supported first.")
    not_separated: tuple[HypothesisId, ...] = Field(description="Those that these curves cannot tell apart.")
    sawtooth: tuple[CurveSawtooth, ...]
    period: str = Field(description="How the epoch's period is known.")
    train_side: str
    validation_side: str
    is_issue: Issue
    advice: str
    next_experiment: str

    def __str__(self) -> str:
        """Return the verdict for people: the answer first, then the numbers."""
        curves = [f"  {one.curve:<16} {_line(one)}" for one in self.sawtooth]
        ranked = [f"  {one.id} {one.support:4.0%}  {one.name}" for one in self.hypotheses]
        return "\n".join([
            f"cause: {self.headline()}",
            f"issue: {self.is_issue.replace('_', ' ')}",
            f"train: {self.train_side}",
            f"validation: {self.validation_side}",
            f"advice: {self.advice}",
            f"next: {self.next_experiment}",
            f"period: {self.period}",
            "excess at the boundary between epochs:",
            *(curves or ["  none could be measured"]),
            "support:",
            *ranked,
        ])  # fmt: skip

    def headline(self) -> str:
        """Return the cause in a line."""
        if self.leading:
            return f"{self.leading}, {NAMES[self.leading]}"
        if self.not_separated:
            return f"cannot tell {', '.join(self.not_separated)} apart from these curves"
        return "none that these curves show"


def _line(one: CurveSawtooth) -> str:
    interval = "no interval" if one.low is None else f"{one.low:+.4g} to {one.high:+.4g}"
    return f"{one.excess:+.4g} ({interval}), {one.direction}, {one.boundaries} boundaries"
