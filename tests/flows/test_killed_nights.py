"""A night whose process is ended while it trains: asked for again it goes on, and nobody can tell afterwards."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.conftest import TinyNight, words_for


def started(store: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "flows", *words_for(store), "--compute.checkpoint-s", "0", "--format", "json"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def heard_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """Read what a process says until these words come, or to its end."""
    lines: list[str] = []
    while process.stderr is not None and (line := process.stderr.readline()):
        lines.append(line)
        if words in line:
            break
    return lines


def is_bitwise(run: Path, reference: Path) -> bool:
    names = sorted(path.name for path in reference.iterdir() if path.suffix in {".parquet", ".safetensors"})
    return len(names) > 8 and all((run / name).read_bytes() == (reference / name).read_bytes() for name in names)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_night_that_is_ended_goes_on_to_the_same_bits(number: int, tmp_path: Path, tiny_night: TinyNight) -> None:
    store = tmp_path / "store"
    with started(store) as process:
        said = heard_until(process, "epoch   0.50")
        process.send_signal(number)
        said += heard_until(process, "nothing that is said")
    assert process.returncode == -number
    assert ("The training stopped after step" in "".join(said)) == (number != signal.SIGKILL)
    assert "Traceback" not in "".join(said)
    assert not (store / "runs").exists()
    with started(store) as process:
        assert any("from its checkpoint" in line for line in heard_until(process, "from its checkpoint"))
        out, _ = process.communicate()
    night = json.loads(out)
    assert (process.returncode, night["run_id"]) == (0, tiny_night.night["run_id"])
    assert is_bitwise(store / "runs" / night["run_id"], tiny_night.run)
    assert [path for path in (store / "work").rglob("*") if path.is_file() and path.suffix != ".lock"] == []
