"""What is said of a dip of validation between epochs: whether there is one, whether one would be seen, and in words."""

from dataclasses import dataclass
from typing import Protocol

from models.paired import PairedDifference
from models.verdict import Issue

SMALL_DIP = 0.01
"""Of the hit ratio: a dip no larger than a point is not one to act on."""
SMALL_STEP = 0.05
"""Nats: a step of the validation loss no larger than this is not worth a word."""


class Bounds(Protocol):
    """A jump between epochs with its interval, trend taken off."""

    @property
    def low(self) -> float | None:
        """The lower end, None where there is no interval."""

    @property
    def high(self) -> float | None:
        """The upper end, None where there is no interval."""


@dataclass(frozen=True)
class Paired:
    """What validation does over the ends of epochs, window by window; None where it was not measured."""

    hit_ratio: PairedDifference | None
    loss: PairedDifference | None  # nats, above 0 for the worse
    is_loss_jump: bool = False  # whether the loss jumps beyond its own trend: where it overfits it rises everywhere
    is_masked: bool = False  # whether, trends taken off, both a dip of a point and a loss worth a word are possible

    @property
    def is_issue(self) -> Issue | None:
        """Whether validation dips between epochs: as `dips` says of the hit ratio, unless a trend may hide it.

        A hit ratio that still rises from one evaluation to the next hides a dip. Where the loss steps for the worse,
        there is a reason to look for one, so ``no`` is said only if one of a point is excluded without the trend too.
        """
        told = dips(self.hit_ratio)
        return "cannot_tell" if told == "no" and self.is_masked and loss_steps(self.loss) else told

    @property
    def is_loss_alone(self) -> bool:
        """Whether the loss steps for the worse, more than inside epochs, and the hit ratio is not seen to."""
        is_seen = self.hit_ratio is None or self.hit_ratio.high < 0
        return self.is_loss_jump and loss_steps(self.loss) and not is_seen


NOT_PAIRED = Paired(None, None)


def dips(dip: PairedDifference | None) -> Issue | None:
    """Say whether validation dips between epochs.

    Parameters
    ----------
    dip
        Of `validation_dip`.

    Returns
    -------
    str or None
        ``no`` only where a dip of more than a point is excluded; None where it was not measured.
    """
    if dip is None:
        return None
    if dip.high < 0:
        return "yes"
    return "no" if dip.low > -SMALL_DIP else "cannot_tell"


def is_excluded(one: Bounds | None, jump: float) -> bool:
    """Say whether a curve surely jumps by less than this.

    Parameters
    ----------
    one
        Its measured jump, if there is one.
    jump
        In the curve's unit; its sign says the way, up or down.

    Returns
    -------
    bool
        False where nothing was measured.
    """
    if one is None or one.low is None or one.high is None:
        return False
    return one.high < jump if jump > 0 else one.low > jump


def may_be_masked(ratio: Bounds | None, loss: Bounds | None) -> bool:
    """Say whether a dip of validation may hide in its trends.

    Parameters
    ----------
    ratio
        The jump of the hit ratio's curve, trend taken off.
    loss
        That of the loss, nats.

    Returns
    -------
    bool
        Whether neither excludes what would matter: a point of the hit ratio, a step of the loss that is worth a word.
    """
    return not (is_excluded(ratio, -SMALL_DIP) or is_excluded(loss, SMALL_STEP))


def loss_steps(dip: PairedDifference | None) -> bool:
    """Say whether the validation loss steps for the worse between epochs, beyond chance and by enough to matter.

    Parameters
    ----------
    dip
        Of `validation_loss_dip`.

    Returns
    -------
    bool
        False where it was not measured.
    """
    return dip is not None and dip.low > 0 and dip.difference > SMALL_STEP


def is_blind(dip: PairedDifference | None) -> bool:
    """Say whether so few windows were watched that a dip of a point could not be told from chance.

    Parameters
    ----------
    dip
        Of `validation_dip`.

    Returns
    -------
    bool
        False where it was not measured.
    """
    return dip is not None and (dip.high - dip.low) / 2 > SMALL_DIP


def dip_in_words(dip: PairedDifference) -> str:
    """Put a dip in words.

    Parameters
    ----------
    dip
        In hit ratio.

    Returns
    -------
    str
        In points, with its interval and what it is over.
    """
    return (
        f"{100 * dip.difference:+.2f} points (95 % interval {100 * dip.low:+.2f} to {100 * dip.high:+.2f}; "
        f"{dip.n_windows:,} windows, {dip.n_users:,} users, {dip.n_seeds} {'seed' if dip.n_seeds == 1 else 'seeds'})"
    )


def loss_dip_in_words(dip: PairedDifference) -> str:
    """Put a step of the loss in words.

    Parameters
    ----------
    dip
        In nats.

    Returns
    -------
    str
        With its interval.
    """
    return f"{dip.difference:+.3g} nats (95 % interval {dip.low:+.3g} to {dip.high:+.3g})"
