"""One table a catalogue: training and evaluation speed and peak memory of Sawtooth and of what is used instead.

All train the same network (embedding 64, GRU 128, full softmax, Adam at 3e-3) on the same windows in batches of 256.
Each is a process of its own, on all cores; they take turns, for machines are shared and their speed drifts: ratios are
of one round, and the table has their medians. "Share of the roof" is of the speed at which the library makes the
matrix products of a step alone, in the same precision.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from contestants.result import BATCH
from contestants.windows import data_of, drawn, write

from models.windows import TrainingData
from tasks.windows import training_data
from warehouse.config import Dataset, Extraction, Source
from warehouse.datasets import build
from warehouse.ingest import ingest
from warehouse.snapshot import open_snapshot
from warehouse.sources import resolve
from warehouse.store import Store

HERE = Path(__file__).resolve().parent
RECBOLE = HERE.parent / ".venv-recbole"
PLAIN = ("plain loop", "plain loop, threads spin")
Result = dict[str, float]


@dataclass(frozen=True)
class Contestant:
    """What is started, and what it is measured against."""

    name: str
    command: tuple[str, ...]  # of benchmarks/contestants, with its arguments after the folder
    roof: str | None = None  # the precision of its products, where they are the roof's
    spins: bool = False  # torch's default: threads that wait for each other do not sleep
    environment: Path = Path(sys.prefix)


CONTESTANTS = (
    Contestant(PLAIN[0], ("plain",), "fp32"),
    Contestant(PLAIN[1], ("plain",), "fp32", spins=True),
    Contestant("RecBole 1.2.1 GRU4Rec, as shipped", ("recbole", "shipped"), environment=RECBOLE),
    Contestant("RecBole, anomaly mode off", ("recbole", "off"), environment=RECBOLE),
    Contestant("Sawtooth, reference", ("sawtooth", "reference", "fp32"), "fp32"),
    Contestant("Sawtooth, fused fp32", ("sawtooth", "fused", "fp32"), "fp32"),
    Contestant("Sawtooth, fused bf16", ("sawtooth", "fused", "bf16"), "bf16"),
    Contestant("matrix products, fp32", ("roof", "fp32"), "fp32"),
    Contestant("matrix products, bf16", ("roof", "bf16"), "bf16"),
)
NOTES = """
OMP_WAIT_POLICY is PASSIVE, as `python -m flows` sets it, but for "threads spin", which has torch's default; "of plain"
is against the faster of the two. Sawtooth's evaluations are in float32 in both precisions.
Reference, fused and plain start from the same weights and take the same batches. RecBole's GRU4Rec has a network of its
own (no biases in the GRU; output weights tied to the embedding behind a projection to 64, half the products there), its
own initial weights and order, so its loss and HR are near, not equal; as shipped, importing its sequential models turns
autograd's anomaly mode on. Its evaluation is its full ranking, in batches of 4,096.
"""


def extracted(source: Source, folder: Path) -> TrainingData:
    """Cut the 250,000 and 10,000 windows of a log with the project's own extraction."""
    store = Store(folder)
    ingested = ingest(store, resolve(source), Extraction(), lambda _: None)
    built = build(store, ingested, "250k", Dataset(allow_fewer=True), Extraction(), lambda _: None)
    return training_data(open_snapshot(store.dataset(built.dataset_id)))


def obstacle_to_recbole() -> str | None:
    """Install RecBole where it is not yet; return why that cannot be, or None."""
    if (RECBOLE / ".ready").exists():
        return None
    install = [RECBOLE / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", HERE / "recbole.txt"]
    for command in ([sys.executable, "-m", "venv", RECBOLE], install):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return f"RecBole could not be installed from benchmarks/recbole.txt ({lines[-1] if lines else 'no reason'})"
    (RECBOLE / ".ready").touch()
    return None


def measured(contestant: Contestant, folder: Path) -> Result | str:
    """Run a contestant in a process of its own; return what it found, or why it could not."""
    environment = {**os.environ, "PYTHONPATH": str(HERE), "OMP_WAIT_POLICY": "PASSIVE"}
    if contestant.spins:
        del environment["OMP_WAIT_POLICY"]
    module, *arguments = contestant.command
    command = [contestant.environment / "bin" / "python", "-m", f"contestants.{module}", folder, *arguments]
    # RecBole writes logs where it is started.
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    if done.returncode:
        return done.stderr.strip().rpartition("\n")[2] or f"it ended with code {done.returncode}"
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(data: TrainingData, rounds: int, skipped: dict[str, str]) -> None:
    """Measure all contestants in turns and print a table."""
    found: dict[str, list[Result]] = {each.name: [] for each in CONTESTANTS if each.name not in skipped}
    with tempfile.TemporaryDirectory() as name:
        write(data, Path(name))
        for round_ in range(rounds):
            for each in CONTESTANTS:
                if each.name in skipped:
                    continue
                result = measured(each, Path(name))
                if isinstance(result, str):
                    skipped[each.name] = result
                    found.pop(each.name)
                    continue
                found[each.name].append(result)
                print(f"round {round_ + 1}: {each.name} {result['train']:,.0f}/s", file=sys.stderr, flush=True)
    print(f"\n{data.n_items:,} items, {len(data.train):,} windows for training, {len(data.validation):,} evaluated\n")
    print("| | train, samples/s | of plain | of the roof | evaluate, samples/s | of plain | peak MB | loss | HR@10 |")
    print("|---|---|---|---|---|---|---|---|---|")
    for each in CONTESTANTS:
        print(f"| {each.name} | {_row(each, found) if each.name in found else f'skipped: {skipped[each.name]}'} |")


def _row(contestant: Contestant, found: dict[str, list[Result]]) -> str:
    results, roof = found[contestant.name], found.get(f"matrix products, {contestant.roof}")
    cells = [_spread(results, "train"), _ratio(results, _faster(found, "train"), "train", "{:.2f} x")]
    cells.append(_ratio(results, roof, "train", "{:.0%}") if roof else "")
    if "evaluate" not in results[0]:
        return " | ".join([*cells, "", "", "", "", ""])
    cells += [_spread(results, "evaluate"), _ratio(results, _faster(found, "evaluate"), "evaluate", "{:.2f} x")]
    middle = {name: statistics.median(result[name] for result in results) for name in ("peak_mb", "loss", "hr")}
    return " | ".join([*cells, f"{middle['peak_mb']:,.0f}", f"{middle['loss']:.5f}", f"{middle['hr']:.4f}"])


def _faster(found: dict[str, list[Result]], measure: str) -> list[Result]:
    """Return the results of the plain loop whose threads wait in the better way."""
    plain = [found[name] for name in PLAIN if name in found]
    return max(plain, key=lambda results: statistics.median(result[measure] for result in results))


def _spread(results: list[Result], measure: str) -> str:
    values = sorted(result[measure] for result in results)
    return f"{statistics.median(values):,.0f} ({values[0]:,.0f} to {values[-1]:,.0f})"


def _ratio(results: list[Result], others: list[Result], measure: str, form: str) -> str:
    return form.format(statistics.median(a[measure] / b[measure] for a, b in zip(results, others, strict=True)))


def main() -> None:
    """Measure a real or generated log's catalogue and one of 50,000 items."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--online-retail", metavar="PATH", help="Online Retail II; default: 4,631 generated items")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200, help="of a training; a fifth for 50,000 items (200)")
    asked = parser.parse_args()
    obstacle = obstacle_to_recbole()
    skipped = {each.name: obstacle for each in CONTESTANTS if obstacle and each.environment == RECBOLE}
    n_small, n_large = asked.steps * BATCH, asked.steps // 5 * BATCH
    n_small_evaluated, n_large_evaluated = asked.steps * 50, asked.steps * 20  # 10,000 and 4,000
    with tempfile.TemporaryDirectory() as folder:
        if asked.online_retail:
            whole = extracted(Source(preset="online_retail_ii", path=asked.online_retail), Path(folder))
            small = replace(
                whole, train=drawn(whole.train, n_small), validation=drawn(whole.validation, n_small_evaluated)
            )
        else:
            small = data_of(4_631, n_small, n_small_evaluated)
        for data in (small, data_of(50_000, n_large, n_large_evaluated)):
            compare(data, asked.rounds, dict(skipped))
    print(NOTES)


if __name__ == "__main__":
    main()
