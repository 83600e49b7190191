"""What was planted, and what a verdict may say of it: the truth, reasoned from the hypotheses before any judging.

`leading` lists the right causes; None is among them where nothing that is listed causes a pattern (it then says so).
`issue` lists the right answers to whether it is an issue; ``cannot_tell`` is never counted as a wrong one.

Unless a kind is about re-exposure, a planted cause is either much stronger than it or planted where it is absent (a
fixed order, or replacement), so that one cause is the truth. Where two are there, both are right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.config import Training
from models.hypotheses import HypothesisId
from models.verdict import Issue
from planted import bugs, evaluation_bugs, running_bugs, update_bugs
from planted.bugs import Bug
from planted.logs import Log

Changes = Mapping[str, object]
Leading = HypothesisId | None

_BASE: Changes = {
    "model": {"embedding_dim": 32, "hidden_dim": 32, "dropout": 0.2},
    "optimizer": {"name": "adam", "lr": 8e-3},
    "batch_size": 32,
    "epochs": 6,
    "probe_windows": 2_000,
}
_NO: frozenset[Issue] = frozenset({"no", "cannot_tell"})
_YES: frozenset[Issue] = frozenset({"yes", "cannot_tell"})
_EITHER: frozenset[Issue] = frozenset({"yes", "no", "cannot_tell"})
_LOG = Log()


@dataclass(frozen=True)
class Kind:
    """A planted cause and the truth about it."""

    name: str
    why: str  # what was done, and why these verdicts are the right ones
    leading: frozenset[Leading]
    issue: frozenset[Issue]
    changes: Changes = field(default_factory=dict)  # of the training, against the base
    log: Log = _LOG
    bug: Bug = bugs.none

    def training(self, seed: int) -> Training:
        """Return the base run's configuration."""
        said = {name: dict(value) if isinstance(value, Mapping) else value for name, value in _BASE.items()}
        for name, value in self.changes.items():
            said[name] = {**said.get(name, {}), **value} if isinstance(value, Mapping) else value  # type: ignore[dict-item]
        return Training.model_validate({**said, "seed": seed})


def _right(*names: Leading) -> frozenset[Leading]:
    return frozenset(names)


# A fixed order and few large batches: six steps between evaluations, so that one odd batch shows.
_LARGE_BATCHES: Changes = {"batch_size": 256, "optimizer": {"lr": 2e-2}}

KINDS: tuple[Kind, ...] = (
    Kind(
        "healthy_reshuffling",
        "Nothing is wrong: a new shuffle each epoch and much to memorise. Only the running curve saws.",
        _right("H1"),
        _NO,
    ),
    Kind(
        "reshuffling_high_rate",
        "Twice the rate, no dropout: the same cause, larger, and validation pays for what is memorised.",
        _right("H1"),
        _YES,
        {"optimizer": {"lr": 1.6e-2}, "model": {"dropout": 0.0}},
    ),
    Kind(
        "reversed_order",
        "Each epoch backwards: ages from 0 to 2 epochs, the strongest re-exposure. The quarters hold alike data.",
        _right("H1"),
        _EITHER,
        {"order": "reversed"},
    ),
    Kind(
        "shuffled_labels",
        "Targets that have nothing to do with their histories: all that is learnt is memorised, and nothing is gained.",
        _right("H1"),
        _YES,
        {"model": {"dropout": 0.0}},
        Log(shuffled_labels=True),
    ),
    Kind(
        "fixed_order",
        "One order for all epochs: every age is 1, so nothing has the epoch's period; what moves is noise.",
        _right(None, "H8"),
        _NO,
        {"order": "fixed"},
    ),
    Kind(
        "replacement",
        "Drawn with replacement: an epoch is but a count; what moves is noise.",
        _right(None, "H8"),
        _NO,
        {"order": "replacement"},
    ),
    Kind(
        "continuous",
        "Shuffled across epochs: no boundary between epochs; what moves is noise.",
        _right(None, "H8"),
        _NO,
        {"order": "continuous"},
    ),
    Kind(
        "smooth_overfit",
        "Few windows and a large model under replacement: validation gets worse smoothly, which no listed cause does.",
        _right(None),
        _YES,
        {"order": "replacement", "model": {"hidden_dim": 64, "embedding_dim": 64, "dropout": 0.0}},
        Log(train_windows=2_500, users=320),
    ),
    Kind(
        "rate_too_high",
        "A rate at which the weights are thrown about: all curves jump, frozen ones too, and norms grow.",
        _right("H3"),
        _YES,
        {"optimizer": {"lr": 0.3}},
    ),
    Kind(
        "gradients_kept",
        "No zero_grad: gradients pile up and the weights swing, as H3 predicts; the cause itself is not listed.",
        _right("H3", None),
        _YES,
        bug=update_bugs.gradients_kept,
    ),
    Kind(
        "warm_restarts",
        "A cosine that restarts with the epoch: the rate, and with it the weights, have its period. H3 names it.",
        _right("H3"),
        _EITHER,
        {"optimizer": {"lr": 3e-2}, "order": "replacement"},
        bug=update_bugs.restarted_each_epoch,
    ),
    Kind(
        "moments_lost",
        "Adam built anew each epoch: without moments its first updates are the largest (H2) and throw weights (H3).",
        _right("H2", "H3"),
        _YES,
        {"optimizer": {"lr": 2e-2}, "order": "replacement"},
        bug=update_bugs.moments_lost_each_epoch,
    ),
    Kind(
        "never_reset",
        "Running sums from the first step on: the running curve is an average of the whole training.",
        _right("H4"),
        _EITHER,
        bug=running_bugs.never_reset,
    ),
    Kind(
        "reset_each_epoch",
        "Running sums from the epoch's start, in one fixed order: a lag that grows through the epoch and is cut off.",
        _right("H4"),
        _EITHER,
        {"order": "fixed"},
        bug=running_bugs.reset_each_epoch,
    ),
    Kind(
        "mean_of_unequal_batches",
        "The last batch has one window and weighs as much as any other of its quarter; one order, so the same one.",
        _right("H4"),
        _EITHER,
        {**_LARGE_BATCHES, "order": "fixed"},
        Log(train_windows=23 * 256 + 1),
        running_bugs.mean_of_means,
    ),
    Kind(
        "last_batch_as_full",
        "The sum takes the last batch for a full one, the count does not: loss and HR too large in the last quarter.",
        _right("H4"),
        _EITHER,
        _LARGE_BATCHES,
        Log(train_windows=23 * 256 + 20),
        running_bugs.last_batch_as_full,
    ),
    Kind(
        "wrong_count",
        "The count takes the last batch for a full one, the sum does not: loss and HR too small in the last quarter.",
        _right("H4"),
        _EITHER,
        _LARGE_BATCHES,
        Log(train_windows=23 * 256 + 20),
        running_bugs.wrong_count,
    ),
    Kind(
        "dropout_in_evaluation",
        "No eval(): probe and validation are told under dropout, too bad and noisy. Replacement, so nothing else saws.",
        _right("H4"),
        _YES,
        {"order": "replacement", "model": {"dropout": 0.4}},
        bug=evaluation_bugs.evaluated_in_training_mode,
    ),
    Kind(
        "dropout_in_first_quarter",
        "train() only where an epoch begins: the running curve has dropout in the first quarter and none after it.",
        _right("H4"),
        _YES,
        {"order": "fixed", "model": {"dropout": 0.4}},
        bug=evaluation_bugs.training_mode_once_an_epoch,
    ),
    Kind(
        "validation_slices",
        "Each evaluation of an epoch takes its own quarter of a sorted validation file: what is averaged is periodic.",
        _right("H4"),
        _YES,
        {"order": "replacement"},
        Log(validation_arrangement="labels"),
        evaluation_bugs.validated_on_slices,
    ),
    Kind(
        "sorted_by_time",
        "No shuffle: each epoch goes through a drifting log in the order of time.",
        _right("H5"),
        _YES,
        {"order": "buffer", "buffer_windows": 1},
        Log(arrangement="times", drift=1.0),
    ),
    Kind(
        "buffer_too_small",
        "A shuffle buffer of a twentieth of a drifting log in the order of time.",
        _right("H5"),
        _YES,
        {"order": "buffer", "buffer_windows": 300},
        Log(arrangement="times", drift=1.0),
    ),
    Kind(
        "sorted_by_label",
        "A shuffle buffer of a tenth of a file sorted by target.",
        _right("H5"),
        _YES,
        {"order": "buffer", "buffer_windows": 600},
        Log(arrangement="labels"),
    ),
    Kind(
        "overlap",
        "Nine in ten validation windows are train windows; replacement, so nothing saws: validation tells train.",
        _right("H7"),
        _YES,
        {"order": "replacement"},
        Log(shared=0.9),
    ),
    Kind(
        "overlap_reshuffling",
        "The same under reshuffling: the train side saws by re-exposure, the validation side is train's. Both are so.",
        _right("H7", "H1"),
        _YES,
        log=Log(shared=0.9),
    ),
    Kind(
        "tiny_validation",
        "60 validation windows and one order: validation jumps about by chance, and nothing else does.",
        _right("H8"),
        _NO,
        {"order": "fixed"},
        Log(validation_windows=60),
    ),
    Kind(
        "probabilities_float32",
        "Loss from float32 probabilities, 1e-7 at least, many items: a hundredth of train is never learnt again.",
        _right("H6"),
        _YES,
        {
            "loss": "probabilities",
            "loss_eps": 1e-7,
            "order": "replacement",
            "optimizer": {"lr": 2e-2},
            "model": {"hidden_dim": 64, "embedding_dim": 64, "dropout": 0.0},
        },
        Log(items=1_000, followed=0.8, habitual=0.05),
    ),
    Kind(
        "probabilities_float16",
        "Loss from probabilities of at least 1e-3, half precision's epsilon: a fifth of train is never learnt again.",
        _right("H6"),
        _YES,
        {"loss": "probabilities", "loss_eps": 1e-3, "order": "replacement", "model": {"dropout": 0.0}},
    ),
)
"""All kinds; their names are unique."""
