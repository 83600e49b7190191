"""One `serve` command for all end-to-end tests that do it no harm, and a webhook that it posts to."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.end_to_end.serving import Served, serving

HOOK = "/hooks/only-we-know"


class Mailbox(ThreadingHTTPServer):
    """A chat service's webhook: keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.posts: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{HOOK}"


class _Post(BaseHTTPRequestHandler):
    server: Mailbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append({"path": self.path, "type": self.headers["Content-Type"], "body": json.loads(body)})
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """Give a webhook on this machine."""
    with Mailbox() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, free_ports: Callable[[int], list[int]], mailbox: Mailbox
) -> Iterator[Served]:
    """Give one `serve` to all tests that do it no harm; at the end it stops cleanly."""
    settings = {"SAWTOOTH_NOTIFY_URL": mailbox.url, "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "3"}
    with serving(tmp_path_factory.mktemp("served"), free_ports(2), settings) as up:
        yield up
    assert up.process.returncode == 0, up.said
    assert "Stopped" in up.said
