"""Bad logs through the command line: one clear line, exit code 1, and nothing half-written in the store."""

import gzip
import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from flows.command_line import main

HEADER = "user,item,time\n"


def log(users: int = 20, items: int = 10, events: int = 30, *, same_time: bool = False) -> str:
    """Return a log as CSV: each user has so many events, a minute apart."""
    chance = random.Random(0)  # noqa: S311
    days = ["2020-01-01"] * events if same_time else [f"2020-01-{event % 28 + 1:02}" for event in range(events)]
    rows = [
        f"u{user},i{chance.randrange(items)},{day}{'' if same_time else f' {user % 24:02}:{event % 60:02}'}"
        for user in range(users)
        for event, day in enumerate(days)
    ]
    return HEADER + "\n".join(rows) + "\n"


def truncated_parquet(path: Path) -> None:
    pl.DataFrame({"user": ["a"] * 999, "item": ["b"] * 999, "time": ["2020-01-01"] * 999}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-40])


CASES: dict[str, tuple[str, str | bytes | Callable[[Path], None], str]] = {
    "an empty file": ("log.csv", "", "log.csv is empty"),
    "a header alone": ("log.csv", HEADER, "holds no usable event: it has no rows"),
    "wrong columns": ("log.csv", "a,b\n1,2\n", "has no column user, item, time; it has: a, b"),
    "all rows bad": (
        "log.csv",
        HEADER + "u,,2020-01-01\n,i,2020-01-01\n",
        "holds no usable event: 1 missing item, 1 missing user",
    ),
    "too many bad rows": ("log.csv", log() + "u1,i1,soon\n" * 20, "20 of 620 new rows are bad (3.2%, allowed 1.0%)"),
    "binary junk": ("log.csv", random.Random(1).randbytes(20_000), "log.csv"),  # noqa: S311
    "a truncated Parquet file": ("log.parquet", truncated_parquet, "cannot be read as parquet"),
    "a Parquet file that is text": ("log.parquet", log(), "cannot be read as parquet"),
    "an unknown ending": ("log.xyz", log(), "cannot tell its format by the ending"),
    "one user": ("log.csv", log(users=1), "at least two users to learn from: the log has 1 user(s)"),
    "one item": ("log.csv", log(items=1), "at least two items to tell apart: the train windows show 1 item(s)"),
    "no repeats of a user": (
        "log.csv",
        HEADER + "".join(f"u{n},i{n},2020-01-{n % 28 + 1:02}\n" for n in range(99)),
        "none of the log's 99 events is left",
    ),
    "times all equal": ("log.csv", log(same_time=True), "Times may be all equal"),
    "more windows asked than there are": ("log.csv", log(), "train 520 of 250,000 asked"),
}


def words_for(path: Path, store: Path) -> list[str]:
    columns = [word for name in ("user", "item", "time") for word in (f"--source.columns.{name}", name)]
    return ["nightly", "--store", str(store), "--source.preset", "custom", "--source.path", str(path), *columns]


def published(store: Path) -> list[Path]:
    """Return what a reader of the store may see, whole events apart: they are true whatever the dataset."""
    return [path for kind in ("datasets", "runs") for path in (store / kind).glob("*")]


@pytest.mark.parametrize("case", CASES)
def test_a_bad_log_is_one_clear_line_and_nothing_half_written(case, tmp_path, capsys):
    name, content, said = CASES[case]
    path, store = tmp_path / name, tmp_path / "store"
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    words = words_for(path, store)
    allow = ["--dataset.allow-fewer", "true"] if case != "more windows asked than there are" else []
    assert main([*words, *allow]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in err
    assert said in err.splitlines()[-1]
    assert published(store) == []


def test_a_missing_file_is_named(tmp_path, capsys):
    assert main(words_for(tmp_path / "gone.csv", tmp_path / "store")) == 1
    assert "gone.csv: no such file; check --source.path" in capsys.readouterr().err
    assert not (tmp_path / "store" / "events").exists()


def test_a_good_log_passes_the_same_way(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text(log())
    small = [
        "--dataset.allow-fewer",
        "true",
        "--training.epochs",
        "1",
        "--training.probe-windows",
        "9",
        "--compute.threads",
        "1",
    ]
    assert main([*words_for(path, tmp_path / "store"), *small]) == 0
    assert len(published(tmp_path / "store")) == 2


@pytest.mark.parametrize("limit_kb", [8, 64, 200])
def test_a_full_disk_is_one_clear_line_and_nothing_half_written(limit_kb, tmp_path):
    """A limit on the size of a file stands for the disk: the system refuses the write in the same place."""
    path, store = tmp_path / "log.csv", tmp_path / "store"
    path.write_text(log(users=600))
    small = ["--dataset.allow-fewer", "true", "--training.epochs", "1", "--compute.threads", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "flows", *words_for(path, store), *small],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kb * 1024, limit_kb * 1024)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert not (store / "runs").exists()
    for manifest in store.glob("events/*/manifest.json"):
        assert all((manifest.parent / folder.name / "batch.json").exists() for folder in manifest.parent.glob("*/"))


def zipped(chunks: Iterable[bytes]) -> Callable[[Path], None]:
    """Return what writes a gzip file piece by piece."""

    def write(path: Path) -> None:
        with gzip.open(path, "wb", compresslevel=1) as file:
            for chunk in chunks:
                file.write(chunk)

    return write


def rows_alike(path: Path) -> None:
    """Write 20 million rows in some kilobytes."""
    table = pl.select(user=pl.lit("u"), item=pl.lit("i"), time=pl.lit("2020-01-01")).select(
        pl.all().repeat_by(1_000_000).explode()
    )
    with pq.ParquetWriter(path, table.to_arrow().schema) as file:
        for _ in range(20):
            file.write_table(table.to_arrow())


WIDE = [f"c{number}" for number in range(10_000)]
SWELLING: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a line of 400 MB, zipped": ("log.csv.gz", zipped([HEADER.encode(), *[b"x" * 2**20] * 400])),
    "400 MB of blanks, zipped": ("log.csv.gz", zipped([HEADER.encode(), *[b" " * 2**20] * 400])),
    "400 MB of line ends, zipped": ("log.csv.gz", zipped([HEADER.encode(), *[b"\n" * 2**20] * 400])),
    "400 MB of quotes, zipped": ("log.csv.gz", zipped([HEADER.encode(), *[b'"' * 2**20] * 400])),
    "a line of 400 MB of JSON, zipped": ("log.jsonl.gz", zipped([b'{"user": "', *[b"x" * 2**20] * 400])),
    "deep JSON": ("log.jsonl", lambda path: path.write_bytes(b'{"user": ' + b"[" * 5_000_000)),
    "rows alike in Parquet": ("log.parquet", rows_alike),
    "10,000 columns": (
        "log.csv",
        lambda path: path.write_text("".join(",".join(row) + "\n" for row in (WIDE, *[["1"] * 10_000] * 50))),
    ),
    "10,000 columns of JSON": (
        "log.jsonl",
        lambda path: path.write_text((json.dumps(dict.fromkeys(WIDE, 1)) + "\n") * 50),
    ),
    "10,000 columns of Parquet": (
        "log.parquet",
        lambda path: pl.DataFrame(dict.fromkeys(WIDE, [1] * 50)).write_parquet(path),
    ),
}


@pytest.mark.parametrize("case", SWELLING)
def test_what_swells_is_one_clear_line_within_bounds_of_memory(case, tmp_path):
    name, write = SWELLING[case]
    path, store = tmp_path / name, tmp_path / "store"
    write(path)
    words = [*words_for(path, store), "--extraction.memory-mb", "1000", "--extraction.threads", "1"]
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen([sys.executable, "-m", "flows", *words], stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().splitlines()
    assert process.returncode == 1, lines[-1:]
    assert lines[-1].startswith("error: ")
    assert "Traceback" not in "\n".join(lines)
    assert used.ru_maxrss < 1_300_000, f"{used.ru_maxrss / 1000:,.0f} MB"  # KB; torch and Prefect are some 300 MB of it
    assert published(store) == []
