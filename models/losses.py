"""What is learned from: cross-entropy from logits, and the wrong way that people write it.

Legend: B batch, V items.
"""

from torch import Tensor

from models.config import Training
from models.metrics import target_losses
from models.windows import UNKNOWN


def training_losses(logits_BV: Tensor, target_B: Tensor, config: Training) -> Tensor:
    """Return the loss that is learned from and that the steps, running and forgetting records tell.

    Evaluations with frozen weights do not use it: they always tell the cross-entropy from logits.

    Parameters
    ----------
    logits_BV
        (B, V) float32; column j is the item of code j + 1.
    target_B
        (B,) int64 codes, 0 to V.
    config
        The question.

    Returns
    -------
    torch.Tensor
        (B,) float32, in nats; 0 where the target is unknown.
    """
    if config.loss == "logits":
        return target_losses(logits_BV, target_B)
    return losses_from_probabilities(logits_BV, target_B, config.loss_eps)


def losses_from_probabilities(logits_BV: Tensor, target_B: Tensor, eps: float) -> Tensor:
    """Take the logarithm of float32 softmax probabilities, none under eps, as Keras does by default.

    It never exceeds -log(eps), and a target of a probability under eps has no gradient: what the model most
    needs to learn it is not told.

    Parameters
    ----------
    logits_BV
        (B, V) float32.
    target_B
        (B,) int64 codes, 0 to V.
    eps
        Least probability under the logarithm.

    Returns
    -------
    torch.Tensor
        (B,) float32, in nats; 0 where the target is unknown.
    """
    column_B1 = (target_B - 1).clamp_min(0).unsqueeze(1)
    probability_B = logits_BV.softmax(1).gather(1, column_B1).squeeze(1)
    loss_B = -probability_B.clamp_min(eps).log()
    return loss_B.masked_fill(target_B == UNKNOWN, 0.0)
