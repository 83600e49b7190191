"""What single losses and steps say of the arithmetic: values that stand at a cap, gradients that vanish, NaN.

Legend: K evaluations, W windows watched, S steps.
"""

import math
from collections.abc import Sequence

import numpy as np

from models.hypotheses import HYPOTHESES, Evidence
from models.run_record import RunRecord

_AT_A_CAP = 0.002
"""Share of the windows that have the very same largest loss: of a loss from logits, hardly two have."""
_BEYOND = 1e-3
_FEWEST = 5
_VANISHED = 1e-3
"""Of the median gradient norm, at a loss above the median."""
_GROWN = 5.0


def evidence_of_numerics(runs: Sequence[RunRecord]) -> list[Evidence]:
    """Look for losses that lost their large values.

    Parameters
    ----------
    runs
        Of one training.

    Returns
    -------
    list of Evidence
        Empty where nothing was recorded to tell by.
    """
    found = (rule(runs) for rule in (_said, _capped, _vanished, _stopped))
    return [piece for piece in found if piece is not None]


def _said(runs: Sequence[RunRecord]) -> Evidence | None:
    """Where the loss is known to be made of probabilities, see how many windows lie beyond its cap."""
    if any(run.config.loss == "logits" for run in runs):
        return None
    cap = -math.log(runs[0].config.loss_eps)
    shares = [float((run.watched.loss_KW > cap).mean(1).max()) for run in runs if run.watched is not None]
    share = max(shares, default=0.0)
    statement = f"training's loss is made of probabilities, so it ends at {cap:.1f} nats and has no gradient there"
    beyond = f"{statement}; up to {share:.2%} of the validation windows lie beyond"
    if share > _BEYOND:
        return Evidence(beyond, {name: 10 if name == "H6" else 0.3 for name in HYPOTHESES}, proves="H6")
    return Evidence(beyond, {"H6": 3})


def _capped(runs: Sequence[RunRecord]) -> Evidence | None:
    """See whether many windows share the largest loss, the same number at several evaluations."""
    watched = [run.watched for run in runs if run.watched is not None and run.watched.loss_KW.size]
    if not watched:
        return None
    for each in watched:
        largest_K = each.loss_KW.max(1)
        values, counts = np.unique(largest_K, return_counts=True)
        cap, n_times = float(values[counts.argmax()]), int(counts.max())
        at_cap = int((each.loss_KW[largest_K == cap] == cap).sum(1).max())
        if n_times >= min(3, len(largest_K)) and at_cap >= max(_FEWEST, _AT_A_CAP * each.loss_KW.shape[1]):
            statement = f"up to {at_cap} validation windows have the very same largest loss, {cap:.4g} nats"
            detail = f"{statement}, at {n_times} evaluations: it is cut off there"
            return Evidence(detail, {name: 10 if name == "H6" else 0.2 for name in HYPOTHESES}, proves="H6")
    return Evidence("no largest loss is shared by many windows: none is cut off in evaluations", {"H6": 0.6})


def _vanished(runs: Sequence[RunRecord]) -> Evidence | None:
    """See whether steps of a high loss have no gradient."""
    loss_S, norm_S = np.array(
        [(step.loss_nats, step.grad_norm) for run in runs for step in run.steps if math.isfinite(step.grad_norm)]
        or [(0.0, 0.0)]
    ).T
    if len(loss_S) < _FEWEST:
        return None
    is_idle_S = (norm_S < _VANISHED * np.median(norm_S)) & (loss_S >= np.median(loss_S))
    n_idle = int(is_idle_S.sum())
    if n_idle < _FEWEST:
        return None
    statement = f"{n_idle} of {len(loss_S)} steps have a high loss and hardly a gradient"
    return Evidence(statement, {"H6": 8, "H1": 0.5, "H2": 0.5, "H4": 0.7})


def _stopped(runs: Sequence[RunRecord]) -> Evidence | None:
    """Tell a loss that overflowed from a training that ran away: only the latter grows before."""
    stopped = [run for run in runs if run.status == "diverged" and len(run.steps) > 1]
    if not stopped:
        return None
    steps = stopped[0].steps
    before = [step for step in steps if math.isfinite(step.loss_nats) and math.isfinite(step.grad_norm)]
    where = f"the training stopped at step {steps[-1].step}"
    if len(before) < 2 * _FEWEST:
        return Evidence(f"{where}, at once, for a number that was not finite", {"H6": 4, "H3": 3, "H1": 0.3})
    norm_S, loss_S = (np.array([getattr(step, name) for step in before]) for name in ("grad_norm", "loss_nats"))
    recent = max(2, min(_FEWEST, len(before) // 10))
    grown = float(np.median(norm_S[-recent:]) / max(np.median(norm_S), 1e-30))
    risen = float(np.mean(loss_S[-recent:]) - np.median(loss_S))
    numbers = f"gradient norms had grown {grown:.1f}-fold before, the loss by {risen:+.3g} nats"
    if grown > _GROWN or risen > max(1.0, 5 * float(np.std(loss_S[: len(loss_S) // 2]))):
        return Evidence(f"{where}: {numbers}", {name: 8 if name == "H3" else 0.5 for name in HYPOTHESES}, proves="H3")
    statement = f"{where} with {numbers}: a single number overflowed, and the weights had not run away"
    return Evidence(statement, {name: 8 if name == "H6" else 0.5 for name in HYPOTHESES}, proves="H6")
