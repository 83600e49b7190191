"""The command line: a table for people, CSV and JSON for scripts, one line and 2 where it cannot."""

import csv
import io
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from warehouse.__main__ import SHOWN, main


@pytest.fixture
def full(house: Any) -> Any:
    house.ingest_rows([("u", 'a "quoted", [bold]item[/]', 1), ("v", "ü 🎁", 2)][1:])
    return house


def run(house: Any, *arguments: str) -> int:
    return main([*arguments, "--store", str(house.store.root)])


def test_a_table(full: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(full, "SELECT user, item, time, '[bold]x[/]' AS markup FROM events") == 0
    out, err = capsys.readouterr()
    assert [word.strip() for word in out.splitlines()[1].strip("┃ ").split("┃")] == ["user", "item", "time", "markup"]
    assert [word.strip() for word in out.splitlines()[3].strip("│ ").split("│")] == ["v", "ü 🎁", "", "[bold]x[/]"]
    assert err == ""


def test_a_long_table_is_cut_and_says_so(full: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(full, f"SELECT * FROM range({SHOWN + 1})") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == SHOWN + 4
    assert err == "only the first 1000 rows are shown; use LIMIT, or --format csv for all\n"
    assert run(full, f"SELECT * FROM range({SHOWN})") == 0
    assert capsys.readouterr().err == ""


def test_csv_is_whole(full: Any, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT range AS n, 'a \"b\", c' AS text, NULL AS nothing FROM range(2500)"
    assert run(full, query, "--format", "csv") == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["n", "text", "nothing"]
    assert rows[1:] == [[str(n), 'a "b", c', ""] for n in range(2500)]


def test_json_is_json(full: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """NaN and infinity were written as they are, which no strict reader takes."""
    query = "SELECT 'nan'::DOUBLE AS a, '-inf'::DOUBLE AS b, 1.5::DOUBLE AS c, [1, 2] AS d, DATE '2020-01-02' AS e,"
    query += " 'ü' AS f"
    assert run(full, query, "--format", "json") == 0

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert found == [{"a": None, "b": None, "c": 1.5, "d": [1, 2], "e": "2020-01-02", "f": "ü"}]
    assert run(full, "SELECT * FROM runs", "--format", "json") == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize("query", ["DROP VIEW events", "SELECT nothing FROM events", "", "SELECT error('a\nb')"])
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_an_error_is_one_line_and_2(full: Any, capsys: pytest.CaptureFixture[str], query: str, form: str) -> None:
    assert run(full, query, "--format", form) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.parametrize("arguments", [[], ["SELECT 1", "--format", "xml"], ["SELECT 1", "--unknown"]])
def test_wrong_use_is_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_as_a_program(full: Any) -> None:
    environment = {**os.environ, "SAWTOOTH_STORE": str(full.store.root)}

    def program(query: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "warehouse", query, "--format", "csv"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    done = program("SELECT user FROM events")
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["user", "v"], "")
    done = program("SELECT nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: query: Binder Error")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_leaves_is_no_error(full: Any) -> None:
    command = [sys.executable, "-m", "warehouse", "SELECT * FROM range(1_000_000)", "--format", "csv"]
    command += ["--store", str(full.store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "range\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) in {0, 120}
