"""Curves of trainings whose cause is known, for the tests of the verdict."""

import numpy as np

from models.curve import Curve, curve
from models.curve_set import CurveSet

EPOCHS = np.arange(1, 25) / 4
PLACE = EPOCHS - (np.ceil(EPOCHS - 1e-9) - 1)
WEIGHTS = 5 + 2 * np.exp(-EPOCHS)
LAG = 2 * np.exp(-EPOCHS) * (np.exp(1 / 8) - 1)
"""A running loss is of earlier, worse weights."""
MEMORY = np.where(EPOCHS > 1, 0.35 * np.minimum(EPOCHS / 3, 1) * (np.sqrt(PLACE) - 0.6), 0)
VALIDATION = WEIGHTS + 0.5 + 0.02 * EPOCHS


class Case:
    """Draws curves with noise of its own seed."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)

    def one(self, values: np.ndarray, noise: float = 0.01) -> tuple[Curve, ...]:
        return (curve(EPOCHS, values + noise * self.rng.standard_normal(len(EPOCHS))),)

    def of(self, name: str, windows: int | None = None) -> CurveSet:
        return CurveSet(getattr(self, name)(), validation_windows=windows)

    def train_only(self):
        return {"train_loss": self.one(WEIGHTS + LAG + MEMORY)}

    def memory(self):
        validation = self.one(VALIDATION)
        return {**self.train_only(), "validation_loss": validation, "probe_loss": self.one(WEIGHTS - 0.2, 0.005)}

    def memory_with_dip(self):
        return {**self.memory(), "validation_loss": self.one(VALIDATION - 0.4 * MEMORY)}

    def order(self):
        ramp = 0.35 * (PLACE - 0.6)
        return {**self.memory(), "train_loss": self.one(WEIGHTS + LAG + ramp)}

    def swinging(self):
        return {**self.memory(), "probe_loss": self.one(WEIGHTS - 0.2 + MEMORY, 0.005)}

    def mirrored(self):
        return {**self.train_only(), "validation_loss": self.one(WEIGHTS + 0.02 + MEMORY)}

    def restarts(self):
        swing = -0.3 * (PLACE - 0.5)
        lr = (curve(EPOCHS, 1e-3 * np.cos(1.5 * PLACE)),)
        return {"train_loss": self.one(WEIGHTS + swing), "validation_loss": self.one(VALIDATION + swing), "lr": lr}

    def diverging(self):
        rise = 0.05 * np.maximum(EPOCHS - 2, 0) ** 2
        norm = (curve(EPOCHS, np.exp(EPOCHS / 2)),)
        train = self.one(WEIGHTS + rise, 0.1)
        return {"train_loss": train, "validation_loss": self.one(VALIDATION + rise, 0.1), "grad_norm": norm}

    def mean_since_start(self):
        """Return a mean over the epoch so far, of a loss that falls steadily."""
        falling = 7 - 0.3 * EPOCHS
        mean = np.concatenate([np.cumsum(falling[k : k + 4]) / np.arange(1, 5) for k in range(0, 24, 4)])
        return {"train_loss": self.one(mean, 0.003), "validation_loss": self.one(VALIDATION)}

    def adapting(self):
        """Return a running loss that rises while validation falls: of what comes, not of weights that get worse."""
        rise = 0.05 * np.maximum(EPOCHS - 2, 0) ** 2
        return {"train_loss": self.one(WEIGHTS + rise, 0.1), "validation_loss": self.one(WEIGHTS + 1.5 - 0.1 * EPOCHS)}

    def without_a_pattern(self):
        return {"train_loss": self.one(WEIGHTS + LAG), "validation_loss": self.one(WEIGHTS + 0.5)}

    def overfit(self):
        return {
            "train_loss": self.one(WEIGHTS + LAG - 0.1 * EPOCHS),
            "validation_loss": self.one(WEIGHTS + 0.08 * EPOCHS),
            "probe_loss": self.one(WEIGHTS - 0.15 * EPOCHS),
        }

    def few_windows(self):
        hits = self.rng.binomial(200, 0.3, len(EPOCHS)) / 200
        return {"train_loss": self.one(WEIGHTS + LAG), "validation_hr": (curve(EPOCHS, hits),)}
