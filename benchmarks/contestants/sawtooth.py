"""Sawtooth's own training, instruments on: FOLDER BACKEND PRECISION."""

import sys
from pathlib import Path

import torch

from contestants.result import BATCH, LR, WARM_STEPS, rate, tell
from contestants.windows import read
from models.batches import on_device
from models.choice import backend_for
from models.config import Compute, Duration, Optimizer, Training
from models.evaluation import Scoring, evaluate
from models.training import train

folder, backend_name, precision = sys.argv[1:]
data, compute, cpu = read(Path(folder)), Compute(device="cpu", backend=backend_name), torch.device("cpu")
config = Training(
    optimizer=Optimizer(lr=LR), precision=precision, batch_size=BATCH, epochs=1, evaluate_every=Duration(value=1),
    probe_windows=BATCH,
)  # fmt: skip
train(data, config.model_copy(update={"max_steps": WARM_STEPS}), compute, lambda _: None)
trained = train(data, config, compute, lambda _: None)

windows, scoring = on_device(data.validation, cpu), Scoring(config.cutoffs, config.ties)
with backend_for(config, trained.precision, compute, cpu) as backend:
    sums = evaluate(trained.model, windows, scoring, backend=backend).rows()
    speed = rate(len(windows), lambda: evaluate(trained.model, windows, scoring, backend=backend))
(loss, _, n_loss), (hits, _, n_hits) = sums["loss"], sums["hr@10"]
tell(trained.samples_per_s, speed, loss / n_loss, hits / n_hits)
