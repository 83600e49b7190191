"""What the arms of a diagnosis change, as tables: each one thing, and what it is there to find out."""

from collections.abc import Mapping

Changes = Mapping[str, object]
"""Fields of a training to replace, or of a configuration in it."""
Row = tuple[str, Changes, str]
"""Name, changes, question."""

ORDERS: tuple[Row, ...] = (
    ("reshuffle", {"order": "reshuffle"}, "Does a new shuffle of each epoch make the picture?"),
    ("fixed-order", {"order": "fixed"}, "Does the picture need a new shuffle? Here every age is one epoch."),
    ("reversed-order", {"order": "reversed"}, "Does the picture grow where what was seen last comes first?"),
    ("replacement", {"order": "replacement"}, "Does the picture need epochs? Here ages are alike all the time."),
    ("continuous", {"order": "continuous"}, "Does the picture need a boundary between epochs? Here is none."),
    ("buffer", {"order": "buffer"}, "What does a shuffle buffer over the source's order make of it?"),
)
SCHEDULES: tuple[Row, ...] = (
    ("linear-decay", {"schedule": {"name": "linear"}}, "Does a rate that falls linearly remove it?"),
    ("exponential-decay", {"schedule": {"name": "exponential"}}, "Does a rate that falls exponentially remove it?"),
    ("step-decay", {"schedule": {"name": "step"}}, "Does a rate that halves with each epoch remove it?"),
    ("cosine-decay", {"schedule": {"name": "cosine"}}, "Does a rate that falls as a cosine remove it?"),
    ("warm-up", {"schedule": {"warmup": {"value": 0.5}}}, "Does half an epoch of warm-up remove it?"),
    ("plateau", {"schedule": {"name": "plateau"}}, "Does halving the rate where validation stalls remove it?"),
)
# Clipped by value at 0.03: the largest number of a gradient is a few hundredths of its norm where outputs are many.
REMEDIES: tuple[Row, ...] = (
    ("layer-norm", {"model": {"layer_norm": True}}, "Does LayerNorm remove it?"),
    ("clip-norm-1", {"clip": {"name": "norm", "threshold": 1.0}}, "Does clipping by the global norm remove it?"),
    ("clip-group-norm-1", {"clip": {"name": "group_norm", "threshold": 1.0}}, "Does clipping by layer remove it?"),
    ("clip-value-0.03", {"clip": {"name": "value", "threshold": 0.03}}, "Does clipping by value remove it?"),
    ("probabilities", {"loss": "probabilities"}, "What does cross-entropy from probabilities do? It is the bad arm."),
    ("dropout-0.2", {"model": {"dropout": 0.2}}, "Does dropout remove it?"),
    ("weight-decay-1e-5", {"optimizer": {"weight_decay": 1e-5}}, "Does weight decay remove it?"),
    ("ema-0.999", {"ema_decay": 0.999}, "Are averaged weights free of it?"),
)
# SGD at 0.5: its step is the rate times the gradient, whose norm is about 1 here, so Adam's 3e-3 would not learn at
# all; much above 1 a momentum of 0.9 (ten times the step in the long run) diverges. Adagrad's steps shrink from the
# rate on, so ten times Adam's usual rate keeps it learning over some epochs. RMSProp's are of Adam's size.
OPTIMIZERS: tuple[Row, ...] = (
    ("sgd-momentum", {"name": "sgd", "lr": 0.5, "momentum": 0.9}, "Does it need a second moment? SGD has none."),
    ("rmsprop", {"name": "rmsprop", "momentum": 0.0}, "Does it need Adam's first moment? RMSProp has none."),
    ("adagrad", {"name": "adagrad", "lr": 0.03, "momentum": 0.0}, "Does it need a second moment that forgets?"),
    ("adamw", {"name": "adamw", "momentum": 0.0, "weight_decay": 0.01}, "Does AdamW with decay remove it?"),
    ("amsgrad", {"name": "amsgrad", "momentum": 0.0}, "Does a second moment that never shrinks remove it?"),
    ("beta1-0", {"beta1": 0.0}, "Does it need the first moment?"),
    ("beta2-0.9", {"beta2": 0.9}, "Does a second moment with a short memory change it?"),
    ("beta2-0.9999", {"beta2": 0.9999}, "Does a second moment with a long memory change it?"),
    ("eps-1e-3", {"eps": 1e-3}, "Does it need small steps divided by small second moments?"),
)
