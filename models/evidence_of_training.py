"""What the rest of a training's curves says of each hypothesis: norms, rates, divergence, overlap, chance.

The weights are the predictions of the hypotheses, said as odds. Each rule is one observation, and answers None
where the curves do not hold it.
"""

import math

import numpy as np

from models.curve_facts import first_curve, growth, noise_of, rise_from_best, since_best, spike
from models.curve_set import Measured, direction_of
from models.evidence_of_pattern import Ratios, Rule, said
from models.hypotheses import Evidence

_CAP_EPS = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)
_AT_THE_CAP = 2e-3
_RISES = 1.02
"""Times its best epoch from which on a loss on train windows counts as rising again."""
_RESTARTS = 0.5
"""Of the usual rate: a jump up by as much, at every end of an epoch, is a warm restart."""
_NO_WIDER = 2.0
"""Times the chance of drawing windows within which a curve's noise is that chance alone."""


def _gradients(measured: Measured) -> Evidence | None:
    norm = first_curve(measured.given, "grad_norm")
    if norm is None:
        return None
    grown, highest = growth(norm), spike(norm)
    if grown.times > 3:
        return Evidence(f"gradient norms grow {grown.times:.1f}-fold", {"H3": 5})
    if highest.times > 10:
        return Evidence(f"gradient norms spike to {highest.times:.0f} times their median", {"H3": 4})
    calm = f"gradient norms are calm: {grown.times:.2f}-fold growth, highest {highest.times:.1f} times the median"
    return Evidence(calm, {"H3": 0.4})


def _divergence(measured: Measured) -> Evidence | None:
    """See whether a train loss leaves its best epoch behind; validation alone may rise by plain overfitting.

    A running loss is also of which windows come and of what was learnt just before them, so it needs a second witness:
    weights that get worse are worse on validation too.
    """
    frozen, running = (first_curve(measured.given, role) for role in ("probe_loss", "train_loss"))
    one = frozen or running
    if one is None:
        return None
    rise = rise_from_best(one)
    if rise is None or rise.times <= _RISES:
        return Evidence("the loss on train windows falls to the end", {"H3": 0.7})
    statement = f"the loss on train windows rises again, from {rise.base:.4g} to {rise.value:.4g}"
    validation = first_curve(measured.given, "validation_loss")
    meanwhile = since_best(one, validation) if frozen is None and validation is not None else None
    if meanwhile is not None and meanwhile.times < 1:
        numbers = f"from {meanwhile.base:.4g} to {meanwhile.value:.4g}"
        detail = f"{statement}, while validation falls, {numbers}: the weights get better, so they do not diverge"
        return Evidence(detail, {"H3": 0.3, "H4": 2, "H5": 2})
    is_witnessed = frozen is not None or meanwhile is not None
    return Evidence(statement, {"H1": 0.3, "H2": 0.7, "H3": 8 if is_witnessed else 3, "H4": 0.5, "H5": 0.5, "H8": 0.5})


def _not_finite(measured: Measured) -> Evidence | None:
    broken = {role: count for role, count in measured.given.non_finite.items() if count}
    if not broken:
        return None
    listed = ", ".join(f"{count} of {role.replace('_', ' ')}" for role, count in broken.items())
    return Evidence(f"values that are not finite: {listed}", {"H3": 5, "H6": 5})


def _restarts(measured: Measured) -> Evidence | None:
    if "lr" not in measured.sawtooth:
        return None
    rate = measured.sawtooth["lr"]
    usual = float(np.median(measured.given.curves["lr"][0].value_N))
    if direction_of(rate) == "none" or abs(rate.excess) < 0.1 * abs(usual):
        return Evidence("the learning rate does not jump between epochs", {"H3": 0.8})
    statement = f"the learning rate itself jumps with every epoch: {said(rate)}"
    ratios: Ratios = {"H1": 0.4, "H2": 0.4, "H3": 10, "H4": 0.4, "H5": 0.4, "H8": 0.3}
    is_restart = direction_of(rate) == "up" and rate.excess > _RESTARTS * abs(usual)
    return Evidence(statement, ratios, proves="H3" if is_restart else None)


def _capped(measured: Measured) -> Evidence | None:
    """Look for mean losses at -log(eps): made of probabilities that were cut off there."""
    for role in ("train_loss", "probe_loss", "validation_loss"):
        one = first_curve(measured.given, role)
        if one is None:
            continue
        for eps in _CAP_EPS:
            n_at = int((np.abs(one.value_N + math.log(eps)) < _AT_THE_CAP).sum())
            if n_at >= 3:
                statement = f"{n_at} values of {role.replace('_', ' ')} stand at -log({eps:g}) = {-math.log(eps):.2f}"
                return Evidence(statement, {"H6": 10, "H1": 0.5, "H2": 0.5})
    return None


def _overlap(measured: Measured) -> Evidence | None:
    """See whether validation parts from train: then it is not the same windows."""
    train = first_curve(measured.given, "probe_loss", "train_loss")
    validation = first_curve(measured.given, "validation_loss")
    if train is None or validation is None:
        return None
    seen, unseen = growth(train).value, growth(validation).value
    gap = unseen - seen
    numbers = f"{unseen:.4g} against {seen:.4g} on train windows, last third"
    if gap > 0.05 * abs(seen):
        return Evidence(f"validation loss stays above: {numbers}", {"H7": 0.3})
    return Evidence(f"validation loss is as low as train: {numbers}", {"H7": 2})


def _chance(measured: Measured) -> Evidence | None:
    """Compare a hit ratio's noise with its own: it is a share of counted windows."""
    one, count = first_curve(measured.given, "validation_hr"), measured.given.validation_windows
    if one is None or count is None or not 0 < float(one.value_N.mean()) < 1:
        return None
    share = float(one.value_N.mean())
    chance, noise = math.sqrt(share * (1 - share) / count), noise_of(one)
    numbers = f"noise {noise:.2g} from point to point, {chance:.2g} from drawing {count:,} windows"
    if measured.tilt("validation") == "none" and noise > 0 and chance > 0.1 * float(np.ptp(one.value_N)):
        is_chance = noise < _NO_WIDER * chance
        ratios: Ratios = {"H8": 8, "H1": 0.7, "H3": 0.5, "H7": 0.5} if is_chance else {"H8": 2}
        return Evidence(f"the validation hit ratio moves as chance does: {numbers}", ratios)
    return Evidence(f"the validation hit ratio moves by more than chance: {numbers}", {"H8": 0.3})


TRAINING_RULES: tuple[Rule, ...] = (
    _gradients,
    _divergence,
    _not_finite,
    _restarts,
    _capped,
    _overlap,
    _chance,
)
