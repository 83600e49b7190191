"""Judges the judge: trainings with a planted cause, and how often the verdicts name it.

Every kind is trained with the project's own loop on a small generated log, once a seed, and judged in four ways. The
kinds and what is right for each are in ``planted/kinds.py``; the verdict code knows none of them.

A verdict is right if it leads with an allowed cause, cannot tell if it leads with none where one was planted, and is
confidently wrong if it leads with another. The same goes for its answer to whether it is an issue, counted apart.
Results are appended to ``--output``, one line a verdict; what is there already is not trained again.
"""

import argparse
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from planted.trial import ASKED, WAYS, Way, by_name, judged

from models.hypotheses import HYPOTHESES
from models.intervals import wilson

Row = dict[str, object]
_OUTCOMES = ("right", "cannot_tell", "wrong", "error")


def main() -> None:
    """Plant, judge, print."""
    asked = _parsed()
    kinds, ways = tuple(asked.kinds or by_name()), tuple(way for way in WAYS if way in asked.ways)
    wanted = {(kind, seed) for kind in kinds for seed in range(asked.first_seed, asked.first_seed + asked.seeds)}
    rows = _read(asked.output)
    done = {(row["kind"], row["seed"], row["way"]) for row in rows}
    missing = sorted((seed, kind) for kind, seed in wanted if any((kind, seed, way) not in done for way in ways))
    started = time.perf_counter()
    for number, found in enumerate(_trials(missing, ways, asked.jobs), start=1):
        fresh = [row for row in found if (row["kind"], row["seed"], row["way"]) not in done]
        rows += fresh
        _append(asked.output, fresh)
        _tell(f"{number} of {len(missing)}, {time.perf_counter() - started:,.0f} s", found)
    for way in ways:
        _table(way, kinds, [row for row in rows if row["way"] == way and (row["kind"], row["seed"]) in wanted])


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=list(by_name()), metavar="KIND", help="default: all")
    parser.add_argument("--seeds", type=int, default=10, help="how many (10)")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="of judging; study is the costly one")
    parser.add_argument("--jobs", type=int, default=1, help="processes of one thread each (1)")
    parser.add_argument("--output", type=Path, default=Path("store/verdicts.jsonl"), help="results (%(default)s)")
    return parser.parse_args()


def _read(output: Path) -> list[Row]:
    if not output.exists():
        return []
    return [json.loads(line) for line in output.read_text().splitlines() if line]


def _append(output: Path, rows: Sequence[Row]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _trials(missing: Sequence[tuple[int, str]], ways: tuple[Way, ...], jobs: int) -> Iterator[list[Row]]:
    if jobs == 1:
        yield from (judged(kind, seed, ways) for seed, kind in missing)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(judged, kind, seed, ways) for seed, kind in missing]
        yield from (future.result() for future in as_completed(futures))


def _tell(progress: str, rows: Sequence[Row]) -> None:
    said = ", ".join(f"{row['way']} {row['leading']} ({row['outcome']})" for row in rows)
    print(f"{progress}: {rows[0]['kind']}, seed {rows[0]['seed']}: {said}", flush=True)


def _table(way: Way, kinds: Sequence[str], rows: Sequence[Row]) -> None:
    """Print the planted kinds against what leads, and the shares."""
    columns = [*HYPOTHESES, "none"]
    print(f"\n{ASKED[way]}\n")
    print("| planted | right | " + " | ".join(columns) + " | right first | issue: right, cannot tell, wrong |")
    print("|---" * (len(columns) + 4) + "|")
    for kind in kinds:
        found = [row for row in rows if row["kind"] == kind]
        if not found:
            continue
        leads = Counter(str(row["leading"] or "none") for row in found)
        issues = Counter(row["issue_outcome"] for row in found)
        allowed = ", ".join(sorted(str(name or "none") for name in by_name()[kind].leading))
        cells = [str(leads[name] or "") for name in columns]
        n_right = sum(row["outcome"] == "right" for row in found)
        answers = ", ".join(str(issues[outcome]) for outcome in _OUTCOMES[:3])
        print(f"| {kind} | {allowed} | " + " | ".join(cells) + f" | {n_right} of {len(found)} | {answers} |")
    print()
    for subject, column in (("cause", "outcome"), ("issue", "issue_outcome")):
        shares = Counter(row[column] for row in rows)
        said = [f"{outcome.replace('_', ' ')} {_share(shares[outcome], len(rows))}" for outcome in _OUTCOMES]
        print(f"{subject}: " + "; ".join(said[: None if shares["error"] else 3]))


def _share(count: int, total: int) -> str:
    bounds = wilson(count, total)
    if bounds is None:
        return "of nothing"
    return f"{count} of {total}, {count / total:.1%} ({bounds[0]:.1%} to {bounds[1]:.1%})"


if __name__ == "__main__":
    main()
