"""The same on PostgreSQL: the server comes up, deploys, runs a night, and SQLite is not touched."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.postgres import PASSWORD, binaries, postgres
from tests.end_to_end.serving import TINY, serving, wait_for

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.skipif(binaries() is None, reason="no initdb and postgres: install Debian's postgresql"),
]


def test_a_night_runs_on_postgresql(tmp_path: Path, free_ports: Callable[[int], list[int]]) -> None:
    *ports, database_port = free_ports(3)
    with postgres(database_port) as url:
        settings = {"PREFECT_API_DATABASE_CONNECTION_URL": url}
        with serving(tmp_path, ports, settings) as served:
            run = served.prefect("deployment", "run", "nightly/250k", "--watch", "--params", json.dumps(TINY))
            assert run.returncode == 0, run.stdout + served.said
            scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
            assert wait_for(lambda: served.runs(scheduled), "scheduled run")
    assert not (tmp_path / "home" / "prefect.db").exists()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
