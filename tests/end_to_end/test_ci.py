"""What docs/operations.md tells a CI to do, done: its shell lines are taken from there and run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.serving import TINY, Served

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
PROJECT = Path(__file__).parents[2]
MISSING: dict[str, Any] = {"source": {"preset": "custom", "path": "/nowhere/log.csv"}}


def recipe(name: str) -> str:
    """Return the shell lines below a comment of that name in the documentation."""
    [lines] = re.findall(rf"```bash\n# {name}\n(.*?)```", (PROJECT / "docs" / "operations.md").read_text(), re.DOTALL)
    return str(lines)


def run_recipe(served: Served, name: str, parameters: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run a recipe as a CI does: by a file, in a folder of its own, with no terminal."""
    binaries = Path(sys.executable).parent
    environment = {**os.environ, **served.user_environment, "PARAMS": json.dumps(parameters)}
    return subprocess.run(
        ["bash", "-c", recipe(name)],
        env={**environment, "PATH": f"{binaries}:{os.environ['PATH']}"},
        cwd=served.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_night_that_completes_is_exit_code_0(served: Served) -> None:
    done = run_recipe(served, "ask, wait, and say why it failed", TINY)
    assert done.returncode == 0, done.stdout


def test_a_night_that_fails_is_exit_code_1_with_the_reason_in_the_ci_log(served: Served) -> None:
    done = run_recipe(served, "ask, wait, and say why it failed", MISSING)
    assert done.returncode == 1, done.stdout
    assert "does not say which columns are what" in done.stdout


@pytest.mark.parametrize(("parameters", "code"), [(TINY, 0), (MISSING, 1)], ids=["completes", "fails"])
def test_one_run_without_a_standing_worker(served: Served, parameters: dict[str, Any], code: int) -> None:
    """The pool is paused, so that the standing worker of this server has no part in it."""
    served.api("PATCH", "/work_pools/sawtooth", {"is_paused": True})
    try:
        done = run_recipe(served, "one run in this process, without a worker", parameters)
    finally:
        served.api("PATCH", "/work_pools/sawtooth", {"is_paused": False})
    assert done.returncode == code, done.stdout
