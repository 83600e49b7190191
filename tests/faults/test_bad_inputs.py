"""Damaged files and meaningless words by the thousand: one clear line, an exit code, and a store without halves."""

import io
import json
import logging
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from flows.command_line import FLOWS, main, options_of
from tests.faults.wholeness import assert_no_corruption, assert_nothing_unfinished

NASTY = [
    *(b"", b"\x00", b"nan", b"-inf", b"1e999", b'"', b"'; DROP TABLE events; --", b"\xff\xfe", b"9" * 400),
    *(b"2020-13-45", b"{", b"[" * 3000, b"\r", b"\n\n", b",,,", b"null", b"../../x", "\U0001f600\u202e".encode()),
    *(b"x" * 100_000, b"<script>", b"-1", b"0", b"1e-320", b"true", b"0x10", b"/dev/null", b"~", b"$HOME", b"*"),
]
"""What breaks programs, as bytes."""
ROWS = pl.DataFrame(
    {
        "user": [f"u{row % 20}" for row in range(600)],
        "item": [f"i{row * row % 11}" for row in range(600)],
        "time": [f"2020-01-{row % 28 + 1:02} {row % 24:02}:{row % 60:02}:00" for row in range(600)],
    }
)
CURVES = pl.DataFrame(
    {"step": range(1, 41), "epoch": [row // 10 for row in range(40)]}
    | {name: [slope / row for row in range(1, 41)] for name, slope in (("train_loss", 9.0), ("val_loss", 8.0))}
)
TRAINER_STATE = {"log_history": [{"loss": 9 / step, "step": step, "epoch": step / 10} for step in range(1, 41)]}
log = logging.getLogger("faults")
by_the_thousand = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), max_examples=1000
)
counts: Counter[str] = Counter()


def written(table: pl.DataFrame, ending: str) -> bytes:
    """Return a table as the bytes of a file."""
    file = io.BytesIO()
    write = {"csv": table.write_csv, "parquet": table.write_parquet, "jsonl": table.write_ndjson}
    write[ending](file)
    return file.getvalue()


LOGS = {ending: written(ROWS, ending) for ending in ("csv", "parquet", "jsonl")}
CURVE_FILES = {f"curves.{ending}": written(CURVES, ending) for ending in ("csv", "parquet", "jsonl")}
CURVE_FILES["trainer_state.json"] = json.dumps(TRAINER_STATE).encode()


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw a file in which some stretches were lost, or other bytes took their place."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        stop = start + draw(st.sampled_from([0, 1, 8, 200, len(content)]))
        content[start:stop] = draw(st.sampled_from(NASTY) | st.binary(max_size=20))
    return bytes(content)


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    """Say at the end how the inputs were answered."""
    yield
    log.info("bad inputs: %s", ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))


@contextmanager
def logging_as_it_is() -> Iterator[None]:
    """Give the test's own handlers back after a command has set its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def assert_for_people(kind: str, words: list[str]) -> int:
    """Run a command line; return its exit code."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), logging_as_it_is():
        code = main(words)
    said = err.getvalue()
    assert code in {0, 1, 2}
    assert "Traceback" not in said
    if code:
        assert out.getvalue() == ""
        assert said.splitlines()[-1].startswith("error: ")
        assert len(said.splitlines()[-1]) < 2000
    counts[f"{kind} with exit code {code}"] += 1
    return code


@given(st.sampled_from(sorted(LOGS)).flatmap(lambda ending: st.tuples(st.just(ending), damaged(LOGS[ending]))))
@by_the_thousand
def test_a_damaged_log(case: tuple[str, bytes]) -> None:
    """More windows are asked for than there are, so that a log that can still be read ends before training."""
    ending, content = case
    with tempfile.TemporaryDirectory() as folder:
        path, store = Path(folder, f"log.{ending}"), Path(folder, "store")
        path.write_bytes(content)
        columns = [word for name in ("user", "item", "time") for word in (f"--source.columns.{name}", name)]
        source = ["--source.preset", "custom", "--source.path", str(path), *columns]
        assert assert_for_people("damaged logs", ["nightly", *source, "--store", str(store)])
        assert_no_corruption(store)
        assert_nothing_unfinished(store)
        assert not list(store.glob("datasets/*"))


@given(st.sampled_from(sorted(CURVE_FILES)).flatmap(lambda name: st.tuples(st.just(name), damaged(CURVE_FILES[name]))))
@by_the_thousand
def test_a_damaged_file_of_curves(case: tuple[str, bytes]) -> None:
    name, content = case
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        assert_for_people("damaged curves", ["read-curves", str(path), "--format", "json"])


def names_of(options: type[BaseModel], before: str = "--") -> Iterator[str]:
    """Return every option of a command, those of nested settings too."""
    for name, field in options.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from names_of(kind, f"{before}{name}.")
        else:
            yield before + name


def flow_of(name: str) -> object:
    """Return a flow's function."""
    module = name.replace("-", "_")
    return getattr(import_module(f"flows.{module}"), module).fn


OPTIONS = {name: sorted(names_of(options_of(flow_of(name)))) for name in FLOWS}  # type: ignore[arg-type]
VALUES = st.sampled_from([nasty.decode(errors="surrogateescape") for nasty in NASTY]) | st.text(max_size=12)


@given(
    st.sampled_from(FLOWS).flatmap(
        lambda name: st.tuples(
            st.just(name), st.lists(st.tuples(st.sampled_from(OPTIONS[name]), VALUES), min_size=1, max_size=4)
        )
    )
)
@by_the_thousand
def test_meaningless_options(case: tuple[str, list[tuple[str, str]]]) -> None:
    """Where there is a source, it is a file that is gone: words that are allowed end there."""
    name, said = case
    words = [word for option, value in said for word in (option, value)]
    gone = ["--source.preset", "custom", "--source.path", "gone.csv"] if "--source.path" in OPTIONS[name] else []
    place = ["gone.csv"] if name == "read-curves" else []
    with tempfile.TemporaryDirectory() as folder:
        within = Path(folder, *"abcdef")
        within.mkdir(parents=True)
        with chdir(within):
            os.environ["SAWTOOTH_STORE"] = str(within / "store")
            assert_for_people("meaningless options", [name, *place, *words, *gone])
        outside = [path for path in Path(folder).rglob("*") if path.is_file() and within not in path.parents]
        assert outside == []
