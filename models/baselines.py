"""What a model must beat: the popular items, and the items that most often followed the last one.

Legend: W windows.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.curves import CurvePoint, Estimator, Moment, curve_points, share_point
from models.metrics import MetricSums, Ties
from models.popularity import popularity
from models.successor import successor
from models.windows import TrainingData, WindowSet


class Baseline(Protocol):
    """A recommender without weights."""

    def ranks(self, windows: WindowSet, ties: Ties) -> NDArray[np.float64]:
        """Rank the target of each window."""
        ...

    def shown(self, windows: WindowSet, k: int) -> int:
        """Count the items that are in any window's top k."""
        ...


def baseline_points(data: TrainingData, cutoffs: Sequence[int], ties: Ties) -> dict[str, list[CurvePoint]]:
    """Evaluate both baselines on validation and test, as the model is.

    Parameters
    ----------
    data
        The windows.
    cutoffs
        The k of the rank metrics and of coverage.
    ties
        The rank of a target that others equal.

    Returns
    -------
    dict
        From ``popularity`` and ``successor`` to their points, at step 0. There is no loss: they give no
        probabilities.
    """
    baselines: dict[str, Baseline] = {
        "popularity": popularity(data.train, data.n_items),
        "successor": successor(data.train, data.n_items),
    }
    splits: tuple[tuple[Estimator, WindowSet], ...] = (("validation", data.validation), ("test", data.test))
    return {
        name: [
            point
            for estimator, windows in splits
            for point in _points(baseline, windows, estimator, cutoffs, ties, data.n_items)
        ]
        for name, baseline in baselines.items()
    }


def _points(
    baseline: Baseline,
    windows: WindowSet,
    estimator: Estimator,
    cutoffs: Sequence[int],
    ties: Ties,
    n_items: int,
) -> list[CurvePoint]:
    moment = Moment(step=0, epoch=0.0, phase=0)
    rank_W = torch.from_numpy(baseline.ranks(windows, ties))
    no_loss_W, is_known_W = torch.zeros_like(rank_W), torch.zeros_like(rank_W, dtype=torch.bool)
    sums = MetricSums.of_batch(no_loss_W, rank_W, is_known_W, cutoffs)
    metrics = [point for point in curve_points(sums, moment, estimator) if point.metric != "loss"]
    coverage = [share_point(moment, estimator, f"coverage@{k}", baseline.shown(windows, k), n_items) for k in cutoffs]
    return metrics + coverage
