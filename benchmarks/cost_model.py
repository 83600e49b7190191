"""What a training will cost: seconds and memory against windows, catalogue and state, fitted and then checked.

Each setting is measured in a process of its own. Seconds of a step are a sum of four parts that are known beforehand,
each with a price that is fitted: the step itself, products of the GRU, products of the output layer, and the
optimizer's passes over the parameters; seconds of an evaluated window likewise, of products only. Prices are fitted on
one list of settings by non-negative least squares of relative errors and judged on another.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from contestants.windows import data_of
from numpy.typing import NDArray
from scipy.optimize import nnls

from models.batches import on_device
from models.choice import backend_for
from models.config import Compute, Duration, Model, Training
from models.evaluation import Scoring, evaluate
from models.gru import build_model
from models.training import train

BATCH, HISTORY, EMBEDDING = 256, 10, 64
FITTED = [(2_000, 64), (2_000, 256), (5_000, 128), (20_000, 64), (20_000, 128), (50_000, 128), (50_000, 256)]
HELD_BACK = [(3_500, 192), (12_000, 96), (35_000, 160)]


@dataclass(frozen=True)
class Cost:
    """What a setting costs, measured or foretold."""

    step_s: float
    evaluated_window_s: float
    peak_mb: float


def parameters(items: int, hidden: int) -> int:
    """Count the weights."""
    return (items + 1) * EMBEDDING + 3 * hidden * (EMBEDDING + hidden + 2) + items * (hidden + 1)


def step_parts(items: int, hidden: int) -> list[float]:
    """Return what a step's seconds are made of: itself, two kinds of products (in 1e9 operations), parameters (1e6)."""
    gru = 6 * BATCH * HISTORY * 3 * hidden * (EMBEDDING + hidden)
    return [1.0, gru / 1e9, 6 * BATCH * items * hidden / 1e9, parameters(items, hidden) / 1e6]


def evaluation_parts(items: int, hidden: int) -> list[float]:
    """Return what an evaluated window's seconds are made of: itself and two kinds of products (in 1e6)."""
    return [1.0, 2 * HISTORY * 3 * hidden * (EMBEDDING + hidden) / 1e6, 2 * items * hidden / 1e6]


def memory_parts(items: int, hidden: int) -> list[float]:
    """Return what the peak is made of, in MB: the process, four numbers a parameter, a batch's scores."""
    return [1.0, 16 * parameters(items, hidden) / 1e6, 4 * BATCH * items / 1e6]


def measured(setting: tuple[int, int]) -> Cost:
    """Measure a setting; to be called in a process of its own, for its peak of memory."""
    items, hidden = setting
    n_steps = max(10, 400_000 // items)
    data = data_of(items, BATCH * n_steps)
    config = Training(
        model=Model(embedding_dim=EMBEDDING, hidden_dim=hidden), epochs=1, batch_size=BATCH, probe_windows=64,
        evaluate_every=Duration(value=1),
    )  # fmt: skip
    train(data, config.model_copy(update={"max_steps": 3}), Compute(), lambda _: None)  # compiles what there is to
    speeds = [train(data, config, Compute(), lambda _: None).samples_per_s for _ in range(3)]
    model, windows = build_model(config.model, items, 0), on_device(data.train, torch.device("cpu"))
    chosen = torch.arange(min(len(windows), 40_000_000 // items))
    with backend_for(config, "fp32", Compute(), torch.device("cpu")) as backend:
        started = time.perf_counter()
        evaluate(model, windows, Scoring((10,), "expected"), chosen, backend=backend)
        evaluated_s = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return Cost(BATCH / statistics.median(speeds), evaluated_s / len(chosen), peak_mb)


def prices(parts: list[list[float]], costs: list[float]) -> NDArray[np.float64]:
    """Fit prices that are not negative to relative errors."""
    weighed = np.array(parts) / np.array(costs)[:, None]
    return nnls(weighed, np.ones(len(costs)))[0]


def main() -> None:
    """Measure, fit, check, and say what very large ones would cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("store/cost.json"), help="the measurements (%(default)s)")
    output = parser.parse_args().output
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        costs = dict(zip(FITTED + HELD_BACK, pool.map(measured, FITTED + HELD_BACK, chunksize=1), strict=True))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({str(setting): vars(cost) for setting, cost in costs.items()}, indent=2))
    kinds = {"step_s": step_parts, "evaluated_window_s": evaluation_parts, "peak_mb": memory_parts}
    fitted = {
        name: prices([parts(*each) for each in FITTED], [getattr(costs[each], name) for each in FITTED])
        for name, parts in kinds.items()
    }
    for name, found in fitted.items():
        print(f"{name}: prices {', '.join(f'{price:.3g}' for price in found)}")
    print("\n| items | state | | ms a step | foretold | us an evaluated window | foretold | peak MB | foretold |")
    print("|---|---|---|---|---|---|---|---|---|")
    for setting in FITTED + HELD_BACK:
        told = {name: float(np.dot(kinds[name](*setting), fitted[name])) for name in kinds}
        cells = [
            f"{scale * getattr(costs[setting], name):.4g} | {scale * told[name]:.4g} "
            f"({told[name] / getattr(costs[setting], name) - 1:+.0%})"
            for name, scale in (("step_s", 1e3), ("evaluated_window_s", 1e6), ("peak_mb", 1))
        ]
        kind = "held back" if setting in HELD_BACK else "fitted"
        print(f"| {setting[0]:,} | {setting[1]} | {kind} | " + " | ".join(cells) + " |")
    _extrapolate(fitted["step_s"], fitted["peak_mb"])


def _extrapolate(step: NDArray[np.float64], memory: NDArray[np.float64]) -> None:
    print("\n| windows | items | hours an epoch here | GB beside the windows |")
    print("|---|---|---|---|")
    for windows, items in ((250_000, 5_000), (5_500_000, 20_000), (1_000_000_000, 20_000), (1_000_000_000, 10_000_000)):
        hours = windows / BATCH * float(np.dot(step_parts(items, 128), step)) / 3600
        print(
            f"| {windows:,} | {items:,} | {hours:,.2f} | {float(np.dot(memory_parts(items, 128), memory)) / 1e3:,.1f} |"
        )


if __name__ == "__main__":
    main()
