"""What a training says of itself while it goes on, to whoever asked for it."""

from collections.abc import Callable
from dataclasses import dataclass

from models.curves import CurvePoint


@dataclass(frozen=True)
class Progress:
    """How far a training is."""

    step: int  # updates made
    steps: int  # updates to make
    epoch: float  # epochs completed
    points: tuple[CurvePoint, ...]  # of this very evaluation; empty between evaluations


OnProgress = Callable[[Progress], None]
"""Called after every evaluation, and some times between."""
