"""The server dies while a flow that it did not start trains, and stays away."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.end_to_end.lone_server import is_shown, night, server, stored


def test_a_server_that_stays_away_costs_what_it_would_have_shown_and_asking_again_shows_it(
    tmp_path: Path, free_ports: Callable[[int], list[int]]
) -> None:
    [port] = free_ports(1)
    with server(port, tmp_path) as up, night(port, tmp_path, {"PREFECT_CLIENT_MAX_RETRIES": "0"}) as asked:
        os.killpg(up.pid, signal.SIGKILL)
        assert not (tmp_path / "store" / "runs").exists(), "the training was over before"
        assert asked.wait(600) == 1  # Prefect's own: it cannot say that the run is completed
    said = (tmp_path / "night.log").read_text()
    assert stored(tmp_path) == "finished"
    assert "not published: progress; the server does not take it" in said
    assert "not published: the run's metrics, curves, data and report; the server does not take it" in said
    with server(port, tmp_path), night(port, tmp_path, {}) as again:
        assert again.wait(600) == 0
        assert is_shown(port, "metrics-250k")
    assert "is in the store" in (tmp_path / "night.log").read_text()
