"""What a training will cost: seconds and memory against windows, catalogue, state and devices, fitted and then checked.

Each setting is measured in a process of its own. Seconds of a step are a sum of parts that are known beforehand, each
with a price that is fitted: the step itself, products of the GRU and of the output layer, passes over the scores, the
optimizer's passes over the parameters, and what devices exchange of them; seconds of an evaluated window likewise.
Prices are fitted on one list of settings by non-negative least squares of relative errors and judged on another: once
with both threads on one device, and once with one thread a device, on one or two (processes, by gloo).
"""

import argparse
import json
import multiprocessing
import os
import resource
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

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
from models.world import ALONE, World, joined

BATCH, HISTORY, EMBEDDING = 256, 10, 64
REPEATS = 3


class Setting(NamedTuple):
    """What is trained, and on what."""

    items: int
    hidden: int
    devices: int = 1
    threads: int = 2  # of each device


def alone(items: int, hidden: int) -> Setting:
    """Return a setting of one thread on one device."""
    return Setting(items, hidden, 1, 1)


def together(items: int, hidden: int) -> Setting:
    """Return a setting of one thread on each of two devices."""
    return Setting(items, hidden, 2, 1)


_SIZES = [
    (2_000, 64),
    (2_000, 256),
    (5_000, 128),
    (20_000, 64),
    (20_000, 128),
    (20_000, 256),
    (50_000, 64),
    (50_000, 128),
]
_DEVICE_SIZES = [(2_000, 64), (5_000, 128), (20_000, 64), (20_000, 128), (50_000, 128)]
THREADS = [Setting(*size) for size in _SIZES], [Setting(3_500, 192), Setting(12_000, 96), Setting(35_000, 160)]
DEVICES = (
    [kind(*size) for size in _DEVICE_SIZES for kind in (alone, together)],
    [together(3_500, 192), together(12_000, 96), together(35_000, 160)],
)


@dataclass(frozen=True)
class Cost:
    """What a setting costs, measured or foretold."""

    step_s: float
    evaluated_window_s: float
    peak_mb: float  # of the first process


def parameters(items: int, hidden: int) -> int:
    """Count the weights."""
    return (items + 1) * EMBEDDING + 3 * hidden * (EMBEDDING + hidden + 2) + items * (hidden + 1)


def step_parts(setting: Setting) -> list[float]:
    """Return what a step's seconds are made of.

    Itself, two kinds of products (1e9 operations), scores gone over, parameters, parameters exchanged (1e6 each).
    """
    items, hidden, devices, _ = setting
    rows, n_parameters = BATCH / devices, parameters(items, hidden) / 1e6
    gru = 6 * rows * HISTORY * 3 * hidden * (EMBEDDING + hidden)
    products = [gru / 1e9, 6 * rows * items * hidden / 1e9]
    return [1.0, *products, rows * items / 1e6, n_parameters, (devices - 1) * n_parameters]


def evaluation_parts(setting: Setting) -> list[float]:
    """Return what an evaluated window's seconds are made of: itself, two kinds of products, scores gone over (1e6)."""
    items, hidden, devices, _ = setting
    gru = 2 * HISTORY * 3 * hidden * hidden  # items are multiplied by the input's weights once for many windows
    return [1 / devices, gru / devices / 1e6, 2 * items * hidden / devices / 1e6, items / devices / 1e6]


def memory_parts(setting: Setting) -> list[float]:
    """Return what the peak is made of, in MB: the process, four numbers a parameter, scores, what is exchanged."""
    items, hidden, devices, _ = setting
    n_parameters = 4 * parameters(items, hidden) / 1e6
    return [1.0, 4 * n_parameters, 4 * BATCH / devices * items / 1e6, (devices - 1) * n_parameters]


def measured(setting: Setting) -> Cost:
    """Measure a setting; to be called in a process of its own, for its peak of memory."""
    if setting.devices == 1:
        return _measured(setting, ALONE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(setting.devices - 1, context) as pool:
        others = [pool.submit(_measured_as, setting, rank, port) for rank in range(1, setting.devices)]
        cost = _measured_as(setting, 0, port)
        for other in others:
            other.result()
    return cost


def _measured_as(setting: Setting, rank: int, port: int) -> Cost:
    """Measure as one of several processes."""
    ranks = {"RANK": str(rank), "WORLD_SIZE": str(setting.devices), "LOCAL_RANK": str(rank)}
    os.environ.update({**ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"})
    with joined(torch.device("cpu")) as world:
        return _measured(setting, world)


def _measured(setting: Setting, world: World) -> Cost:
    items, hidden, _, n_threads = setting
    n_steps, compute = max(10, 400_000 // items), Compute(threads=n_threads)
    data = data_of(items, BATCH * n_steps)
    config = Training(
        model=Model(embedding_dim=EMBEDDING, hidden_dim=hidden), epochs=1, batch_size=BATCH, probe_windows=64,
        evaluate_every=Duration(value=1),
    )  # fmt: skip
    run = partial(train, data, compute=compute, on_progress=lambda _: None, world=world)
    run(config=config.model_copy(update={"max_steps": 3}))  # compiles what there is to
    speeds = [run(config=config).samples_per_s for _ in range(REPEATS)]
    model, windows = build_model(config.model, items, 0), on_device(data.train, torch.device("cpu"))
    chosen = torch.arange(min(len(windows), 40_000_000 // items))
    with backend_for(config, "fp32", compute, torch.device("cpu")) as backend:
        score = partial(evaluate, model, windows, Scoring((10,), "expected"), chosen, backend=backend, world=world)
        score()  # maps its memory
        evaluated_s = statistics.median(_seconds(score) for _ in range(REPEATS))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return Cost(BATCH / statistics.median(speeds), evaluated_s / len(chosen), peak_mb)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


KINDS = {"step_s": step_parts, "evaluated_window_s": evaluation_parts, "peak_mb": memory_parts}
Prices = dict[str, NDArray[np.float64]]


def prices(parts: list[list[float]], costs: list[float]) -> NDArray[np.float64]:
    """Fit prices that are not negative to relative errors."""
    weighed = np.array(parts) / np.array(costs)[:, None]
    return nnls(weighed, np.ones(len(costs)))[0]


def judged(costs: dict[Setting, Cost], fitted: Sequence[Setting], held_back: Sequence[Setting]) -> Prices:
    """Fit, and print what was measured beside what the prices say."""
    found = {
        name: prices([parts(each) for each in fitted], [getattr(costs[each], name) for each in fitted])
        for name, parts in KINDS.items()
    }
    for name, each in found.items():
        print(f"{name}: prices {', '.join(f'{price:.3g}' for price in each)}")
    heads = ("items", "state", "devices", "", "ms a step", "foretold", "us an evaluated window", "foretold")
    print(f"\n| {' | '.join(heads)} | peak MB | foretold |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for setting in (*fitted, *held_back):
        cells = [
            f"{scale * getattr(costs[setting], name):.4g} | {scale * told:.4g} "
            f"({told / getattr(costs[setting], name) - 1:+.0%})"
            for name, scale in (("step_s", 1e3), ("evaluated_window_s", 1e6), ("peak_mb", 1))
            for told in [float(np.dot(KINDS[name](setting), found[name]))]
        ]
        kind = "held back" if setting in held_back else "fitted"
        print(f"| {setting.items:,} | {setting.hidden} | {setting.devices} | {kind} | " + " | ".join(cells) + " |")
    print()
    return found


def main() -> None:
    """Measure, fit, check, and say what very large ones would cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("store/cost.json"), help="the measurements (%(default)s)")
    output = parser.parse_args().output
    settings = [setting for kinds in (*THREADS, *DEVICES) for setting in kinds]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        costs = dict(zip(settings, pool.map(measured, settings), strict=True))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({str(tuple(setting)): vars(cost) for setting, cost in costs.items()}, indent=2))
    print("Two threads on one device\n")
    found = judged(costs, *THREADS)
    print("One thread a device\n")
    judged(costs, *DEVICES)
    _extrapolate(found)


def _extrapolate(found: Prices) -> None:
    print("| windows | items | hours an epoch here | GB beside the windows |")
    print("|---|---|---|---|")
    for windows, items in ((250_000, 5_000), (5_500_000, 20_000), (1_000_000_000, 20_000), (1_000_000_000, 10_000_000)):
        setting = Setting(items, 128)
        hours = windows / BATCH * float(np.dot(step_parts(setting), found["step_s"])) / 3600
        print(
            f"| {windows:,} | {items:,} | {hours:,.2f} | {np.dot(memory_parts(setting), found['peak_mb']) / 1e3:,.1f} |"
        )


if __name__ == "__main__":
    main()
