"""What can be asked of what comes after a training: who is the champion, what is recommended, what is kept."""

from typing import Literal

from pydantic import Field

from warehouse.config import Closed


class Promotion(Closed):
    """How a night's run competes for the place of its source's and size's champion. Not part of the question."""

    compete: bool = Field(True, description="Whether the run may become the champion; the arms of a study may not.")
    nights: int = Field(7, ge=1, le=1000, description="Earlier nights whose median is the measure (1 to 1000).")
    max_drop: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="A test hit ratio that is a larger share below that median raises the event "
        "sawtooth.quality.dropped (above 0, below 1).",
    )


class Recommendation(Closed):
    """What is recommended to a user."""

    k: int = Field(10, ge=1, le=10_000, description="Items a user (1 to 10,000, at most the vocabulary).")
    seen: Literal["keep", "drop"] = Field(
        "keep",
        description="Items that the user had before: kept, as when the model was evaluated, or left out of its lists.",
    )


class Keep(Closed):
    """What stays in the store. The champion, what its dataset is and what a kept study compares always do."""

    newest: int = Field(10, ge=1, description="Newest runs of each source and size (at least 1).")
    best: int = Field(3, ge=0, description="Runs of each source and size with the best test hit ratio (at least 0).")
    champions: int = Field(5, ge=0, description="Champions before the present one, to roll back to (at least 0).")
    studies: int | None = Field(None, ge=0, description="Newest studies, with their runs (at least 0); unset: all.")
    days: float = Field(
        2.0, ge=0, allow_inf_nan=False, description="What is not older stays, unfinished work too (days, at least 0)."
    )
