"""What a study asks and what it concludes: arms, one row each, and the verdict over all of them.

An arm differs from the base in one named thing. Its picture is the sawtooth of the running train curve; its problem is
what validation does between epochs, and what the best validation HR is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from models.config import Training
from models.run_record import RunRecord
from models.verdict import CurveSawtooth, CurveVerdict, Said

Kind = Literal["base", "order", "rate", "remedy"]
Answer = Literal["yes", "no", "cannot_tell"]
CURVES = ("train_loss", "train_hr", "probe_loss", "probe_hr", "validation_loss", "validation_hr")
"""The curves that an outcome may hold."""


@dataclass(frozen=True)
class Arm:
    """A training to compare with the base."""

    name: str  # for people and for files: words and dashes, as in "fixed-order" or "lr-0.01"
    kind: Kind
    training: Training  # its seed is the first one; others are made by replacing it
    asks: str  # what it is there to find out, a sentence


@dataclass(frozen=True)
class ArmRuns:
    """An arm with its runs, one a seed."""

    arm: Arm
    runs: Sequence[RunRecord]


class Estimate(Said):
    """A number with its 95 % interval."""

    value: float
    low: float | None
    high: float | None


class ArmOutcome(Said):
    """What became of one arm."""

    name: str
    kind: Kind
    asks: str
    run_ids: tuple[str, ...]
    seeds: tuple[int, ...]
    status: str = Field(description="finished, or diverged where any of its runs did.")
    sawtooth: tuple[CurveSawtooth, ...] = Field(description="Of each curve that has one to measure; see CURVES.")
    at_matched_progress: tuple[CurveSawtooth, ...] = Field(
        description="The same over the epochs in which the probe's loss is in the range that the base's had in its "
        "later epochs; empty where it never is."
    )
    slope_within: Estimate | None = Field(description="Rise of the running train loss inside epochs, nats an epoch.")
    explained: Estimate | None = Field(description="Share of the train amplitude that ages explain, 1 being all.")
    explained_at_least: Estimate | None = Field(
        None, description="The same with the probe's slope taken off both sides: a lower bound, for it takes too much."
    )
    explained_jump: Estimate | None = Field(
        None,
        description="Share of the jump between epochs that the frozen probe at that moment predicts, 1 being all.",
    )
    validation_dip: Estimate | None = Field(
        description="First evaluation of an epoch less the last before it, HR at the first cutoff, paired by window."
    )
    validation_loss_dip: Estimate | None = Field(
        None, description="The same of the validation loss, nats: above 0 it steps for the worse."
    )
    best_validation_hr: float | None
    best_validation_epoch: float | None
    best_at_epoch_ends_hr: float | None = Field(description="If only the last evaluation of each epoch had been made.")
    difference: Estimate | None = Field(description="Best validation HR less the base's, same windows, paired.")
    probe_loss: float | None = Field(description="At the end, nats: how far training came.")
    removes_picture: Answer | None = Field(description="None for the base.")
    removes_problem: Answer | None
    clipped_share: float | None = Field(description="Of the steps; none without clipping.")


class StudyVerdict(CurveVerdict):
    """The verdict over all arms; ``sawtooth`` is the base's."""

    arms: tuple[ArmOutcome, ...] = Field(description="The base first.")
    suggested_clip: float | None = Field(description="90th percentile of the base's gradient norms.")
