"""The server dies while a flow that it did not start trains, and comes back: nothing stopped meanwhile."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.server import is_healthy
from tests.end_to_end.lone_server import is_shown, night, server, stored
from tests.end_to_end.serving import wait_for

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


def test_a_server_that_comes_back_finds_the_night_going_on(
    tmp_path: Path, free_ports: Callable[[int], list[int]]
) -> None:
    [port] = free_ports(1)
    with server(port, tmp_path) as first, night(port, tmp_path, {}) as asked:
        os.killpg(first.pid, signal.SIGKILL)
        assert not (tmp_path / "store" / "runs").exists(), "the training was over before"
        wait_for(lambda: not is_healthy(port), "end of the server")
        with server(port, tmp_path):
            assert asked.wait(600) == 0
            assert is_shown(port, "report-250k")
    assert stored(tmp_path) == "finished"
