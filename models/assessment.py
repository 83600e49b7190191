"""The final word on a model and a split: metrics, every rank, and how much of the catalogue is recommended.

Legend: B batch, W windows, V items, k longest list.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.backend import REFERENCE, Backend
from models.batches import DeviceWindows, on_device
from models.choice import backend_for
from models.config import Compute, Training
from models.curves import CurvePoint, Estimator, Moment, curve_points, share_point
from models.device import pick_device, threads
from models.evaluation import Scoring, frozen
from models.gru import NextItemGRU
from models.metrics import MetricSums
from models.windows import WindowSet


@dataclass(frozen=True)
class Assessment:
    """All there is to say of a model on a split."""

    sums: MetricSums
    rank_W: Tensor  # float64 on the CPU, in the order of the windows; infinity for an unknown target
    n_shown: dict[int, int]  # from cutoff k to how many items are in any window's top k
    n_items: int

    def points(self, moment: Moment, estimator: Estimator) -> list[CurvePoint]:
        """Say the metrics and ``coverage@k``, the share of the catalogue that appears in any top k.

        Parameters
        ----------
        moment
            When.
        estimator
            How.

        Returns
        -------
        list of CurvePoint
            One a metric.
        """
        coverage = [
            share_point(moment, estimator, f"coverage@{k}", shown, self.n_items) for k, shown in self.n_shown.items()
        ]
        return curve_points(self.sums, moment, estimator) + coverage


def assess(model: NextItemGRU, windows: DeviceWindows, scoring: Scoring, backend: Backend = REFERENCE) -> Assessment:
    """Evaluate a split in one pass and keep every window's rank and the items recommended.

    Parameters
    ----------
    model
        On the device of the windows.
    windows
        The split.
    scoring
        Cutoffs and ties; a cutoff above V lists all items.
    backend
        That computes them.

    Returns
    -------
    Assessment
        Sums, ranks (8 bytes a window) and coverage.

    Raises
    ------
    NonFiniteScoresError
        If the model's scores hold NaN or infinity.
    """
    sums = MetricSums.zero(scoring.cutoffs, windows.device)
    longest = min(max(scoring.cutoffs), model.n_items)
    # The best place at which each item was ever listed, counted from 0, says its coverage at every cutoff.
    best_V = torch.full((model.n_items,), longest, device=windows.device)
    ranks = []
    with frozen(model):
        for loss_B, rank_B, is_known_B, column_Bk in backend.evaluate(model, windows, None, scoring.ties, longest):
            ranks.append(rank_B)
            sums += MetricSums.of_batch(loss_B, rank_B, is_known_B, scoring.cutoffs)
            _note_places(best_V, column_Bk)
    rank_W = torch.cat(ranks).cpu() if ranks else torch.empty(0)
    n_shown = {k: int((best_V < min(k, longest)).sum()) for k in scoring.cutoffs}
    return Assessment(sums, rank_W.double(), n_shown, model.n_items)


def assess_split(model: NextItemGRU, windows: WindowSet, config: Training, compute: Compute) -> Assessment:
    """Assess a trained model on a split, usually test, where and as its training was evaluated.

    Parameters
    ----------
    model
        Any; it is given back on the CPU.
    windows
        The split.
    config
        The training's configuration, for cutoffs and ties.
    compute
        Where to run.

    Returns
    -------
    Assessment
        Sums, ranks and coverage.

    Raises
    ------
    ModelError
        If the device is absent, or the model's scores hold NaN or infinity.
    """
    device = pick_device(compute)
    with threads(compute):
        try:
            scoring = Scoring(config.cutoffs, config.ties)
            with backend_for(config, "fp32", compute, device) as backend:
                return assess(model.to(device), on_device(windows, device), scoring, backend)
        finally:
            model.cpu()


def _note_places(best_V: Tensor, column_Bk: Tensor) -> None:
    place_Bk = torch.arange(column_Bk.shape[1], device=best_V.device).expand_as(column_Bk)
    best_V.scatter_reduce_(0, column_Bk.flatten(), place_Bk.flatten(), reduce="amin")
