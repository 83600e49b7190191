"""What can be asked of a training: closed, frozen, typed. Each field says its unit and its bounds."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import from_json
from pydantic_settings import NoDecode


def listed(said: object) -> object:
    """Return a list said as text, as a shell hands it over: JSON, or words between commas."""
    if not isinstance(said, str):
        return said
    if said[:1] in {"[", "{"}:
        return from_json(said if said.startswith("[") else f"[{said}]")
    return said.split(",")


Cutoff = Annotated[int, Field(ge=1)]


class Closed(BaseModel):
    """A configuration that refuses unknown fields and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Duration(Closed):
    """A stretch of training, said in whichever unit is natural; `models.cadence` turns it into steps."""

    value: float = Field(gt=0, allow_inf_nan=False, description="How many (above 0).")
    unit: Literal["steps", "epochs", "samples"] = Field("epochs", description="Of what.")


class Model(Closed):
    """A one-layer GRU over the last items, with a linear output over the catalogue."""

    embedding_dim: int = Field(64, ge=1, le=4096, description="Item embedding, in units (1 to 4096).")
    hidden_dim: int = Field(128, ge=1, le=4096, description="GRU state, in units (1 to 4096).")
    output: Literal["separate", "tied"] = Field(
        "separate", description="Output weights of their own, or tied to the item embedding."
    )
    output_bias: bool = Field(True, description="One bias an item on the output.")
    layer_norm: bool = Field(False, description="LayerNorm on the state that goes to the output.")
    dropout: float = Field(
        0.0, ge=0, lt=1, description="Dropout on embeddings and state while training, a share (0 to below 1)."
    )


class Optimizer(Closed):
    """What turns gradients into updates; fields that the chosen one has no use for are named so."""

    name: Literal["adam", "adamw", "amsgrad", "sgd", "rmsprop", "adagrad"] = Field(
        "adam",
        description="Adam; AdamW (decay apart from the gradient); AMSGrad; SGD with momentum; RMSProp; Adagrad.",
    )
    lr: float = Field(3e-3, gt=0, le=10, description="Learning rate (above 0, at most 10).")
    beta1: float = Field(
        0.9, ge=0, lt=1, description="Decay of the first moment (0 to below 1). adam, adamw and amsgrad only."
    )
    beta2: float = Field(
        0.999, ge=0, lt=1, description="Decay of the second moment (0 to below 1). Not for sgd and adagrad."
    )
    eps: float = Field(1e-8, gt=0, le=1, description="Added to the root of the second moment (above 0). Not for sgd.")
    momentum: float = Field(
        0.0, ge=0, lt=1, description="Share of the last update kept (0 to below 1). sgd and rmsprop only."
    )
    weight_decay: float = Field(
        0.0, ge=0, le=1, description="Pull of weights to 0 (0 to 1): in the gradient, for adamw beside it."
    )

    @model_validator(mode="after")
    def _no_idle_momentum(self) -> "Optimizer":
        if self.momentum and self.name not in {"sgd", "rmsprop"}:
            message = f"{self.name} has no momentum of this kind: set momentum to 0, or the name to sgd or rmsprop"
            raise ValueError(message)
        return self


class Schedule(Closed):
    """How the learning rate changes from step to step."""

    name: Literal["constant", "linear", "exponential", "step", "cosine", "plateau"] = Field(
        "constant",
        description="linear, exponential and cosine fall towards the floor until the training's end; step falls at "
        "regular times; plateau when the validation loss stops falling.",
    )
    floor: float = Field(
        0.01, gt=0, le=1, description="Least rate, as a share of lr (above 0, at most 1). Not for constant."
    )
    factor: float = Field(
        0.5, gt=0, lt=1, description="What a fall multiplies the rate by (above 0, below 1). step and plateau only."
    )
    every: Duration = Field(Duration(value=1), description="Between two falls. step only.")
    patience: int = Field(
        2, ge=0, description="Evaluations without a lower loss before a fall (at least 0). plateau only."
    )
    warmup: Duration | None = Field(None, description="Rise from near 0 to lr over this long, whatever the name.")


class Clip(Closed):
    """How large gradients are made smaller before the update."""

    name: Literal["none", "norm", "group_norm", "value"] = Field(
        "none",
        description="norm: all gradients by their common norm; group_norm: embedding, gru, layer_norm and output each "
        "by its own; value: each number by itself.",
    )
    threshold: float = Field(
        1.0, gt=0, description="Largest norm, or largest value, let through (above 0). Not for none."
    )


class Training(Closed):
    """One question to ask of a dataset; with the dataset's id and the code it names the run."""

    model: Model = Model()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    clip: Clip = Clip()
    loss: Literal["logits", "probabilities"] = Field(
        "logits",
        description="What is learned from: cross-entropy from logits, or, to see the harm, from float32 probabilities.",
    )
    loss_eps: float = Field(
        1e-7, gt=0, lt=1, description="Least probability under the logarithm (above 0, below 1). probabilities only."
    )
    ema_decay: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Evaluate and store averaged weights, with this share of the average kept at a step (0 to 1).",
    )
    precision: Literal["fp32", "bf16", "auto"] = Field(
        "fp32",
        description="Of the products of a training step: float32; bfloat16, with weights, sums and every evaluation in "
        "float32; auto: bfloat16 where the hardware has it and a trial's losses are those of float32.",
    )
    order: Literal["reshuffle", "fixed", "reversed", "replacement", "continuous", "buffer"] = Field(
        "reshuffle",
        description="Anew each epoch; one order; each epoch the last one backwards; drawn with replacement; shuffled "
        "across epochs; through a shuffle buffer over the source's order.",
    )
    buffer_windows: int = Field(10_000, ge=1, description="Size of the shuffle buffer (at least 1). buffer only.")
    batch_size: int = Field(256, ge=1, le=65536, description="Windows a step (1 to 65536).")
    epochs: int = Field(6, ge=1, le=10000, description="Passes over the training windows (1 to 10000).")
    max_steps: int | None = Field(
        None, ge=1, description="Stop after this many steps even inside an epoch (at least 1)."
    )
    evaluate_every: Duration = Duration(value=0.25, unit="epochs")
    probe_windows: int = Field(
        10_000, ge=1, description="Training windows, always the same, evaluated with frozen weights (at least 1)."
    )
    cutoffs: Annotated[tuple[Cutoff, ...], NoDecode, BeforeValidator(listed)] = Field(
        (10,), min_length=1, description="The k of HR@k, MRR@k and NDCG@k (each at least 1); the first one selects."
    )
    ties: Literal["expected", "optimistic", "pessimistic"] = Field(
        "expected", description="The rank of a target whose score others share."
    )
    keep_weights: Literal["best", "last"] = Field(
        "best", description="Store the weights of the best validation HR at the first cutoff, or the last ones."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Initial weights, sample order and dropout (at least 0).")

    @field_validator("cutoffs")
    @classmethod
    def _each_once(cls, cutoffs: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(cutoffs)) < len(cutoffs):
            message = f"a cutoff is said twice: {cutoffs}"
            raise ValueError(message)
        return cutoffs


class Compute(Closed):
    """Where a training runs. Not part of the question, so not part of the run's id."""

    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto: CUDA, then MPS, then CPU.")
    devices: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = Field(
        "auto",
        description="How many train together, a process each (1 to 1024): GPUs, or parts of the CPU, which share the "
        "threads; auto: every GPU, or the one CPU.",
    )
    threads: int | None = Field(None, ge=1, le=1024, description="CPU threads (1 to 1024); unset: one a core.")
    backend: Literal["auto", "reference", "fused"] = Field(
        "auto",
        description="reference: plain torch; fused: the same mathematics in fewer passes, on a CPU, for loss logits; "
        "auto: fused where it can be, and it is said where not.",
    )
    checkpoint_s: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Seconds between two checkpoints of a training (at least 0: after every step); unset: 60, or more "
        "where they would take over 2 % of the time.",
    )
