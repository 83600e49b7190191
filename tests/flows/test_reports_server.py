"""Only reports leave, only to this machine's own names, and they can neither load nor send anything."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from flows.reports_server import ReportsServer

REPORT = b"<!doctype html><title>run-1</title>"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    for run in ("run-1", "run-2"):
        (root / "runs" / run).mkdir(parents=True)
    (root / "runs" / "run-1" / "report.html").write_bytes(REPORT)
    (root / "runs" / "run-1" / "config.json").write_text("{}")
    (root / "secret.html").write_text("secret")
    return root


@pytest.fixture
def server(store: Path) -> Iterator[ReportsServer]:
    with ReportsServer(store, port=0) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def answer(
    server: ReportsServer, path: str, *, method: str = "GET", host: str | None = None
) -> tuple[int, bytes, dict[str, str]]:
    """Return status, body and headers, sending the path as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request(method, path, headers={"Host": host} if host else {})
    response = connection.getresponse()
    got = response.status, response.read(), dict(response.getheaders())
    connection.close()
    return got


def test_a_studys_report_is_served_too(server: ReportsServer, store: Path) -> None:
    (store / "studies" / "study-1").mkdir(parents=True)
    (store / "studies" / "study-1" / "report.html").write_bytes(REPORT)
    (store / "studies" / "study-1" / "verdict.json").write_text("{}")
    assert answer(server, "/studies/study-1/report.html")[:2] == (200, REPORT)
    assert answer(server, "/studies/study-1/verdict.json")[0] == 404
    assert answer(server, "/studies/run-1/report.html")[0] == 404


def test_a_report_is_served_and_can_load_and_send_nothing(server: ReportsServer) -> None:
    status, body, headers = answer(server, "/runs/run-1/report.html")
    assert (status, body) == (200, REPORT)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'unsafe-inline'")
    assert "http" not in headers["Content-Security-Policy"]
    assert headers["Server"] == "sawtooth"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/runs",
        "/runs/",
        "/runs/run-1/",
        "/runs/run-1/config.json",
        "/runs/run-1/report.html/",
        "/runs/run-1/report.html?x=1",
        "/runs/run-2/report.html",
        "/runs/../report.html",
        "/datasets/run-1/report.html",
        "/runs/../secret.html",
        "/runs/%2e%2e/secret.html",
        "/runs/run-1/../run-1/report.html",
        "/runs/RUN-1/report.html",
        "/runs/.hidden/report.html",
        "/runs/" + "a" * 81 + "/report.html",
        "/runs/run-1%00/report.html",
        "http://127.0.0.1/runs/run-1/report.html",
    ],
)
def test_nothing_else_is_served(server: ReportsServer, path: str) -> None:
    status, body, _ = answer(server, path)
    assert status == 404
    assert b"secret" not in body


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_that_leaves_the_runs_is_not_followed(server: ReportsServer, store: Path, link: str) -> None:
    if link == "file":
        (store / "runs" / "run-2" / "report.html").symlink_to(store / "secret.html")
        assert answer(server, "/runs/run-2/report.html")[0] == 404
    else:
        (store / "elsewhere").mkdir()
        (store / "elsewhere" / "report.html").write_text("secret")
        (store / "runs" / "run-3").symlink_to(store / "elsewhere")
        assert answer(server, "/runs/run-3/report.html")[0] == 404


def test_a_circle_of_links_is_not_found(server: ReportsServer, store: Path) -> None:
    report = store / "runs" / "run-2" / "report.html"
    report.symlink_to(report)
    assert answer(server, "/runs/run-2/report.html")[0] == 404


def test_runs_may_live_on_another_disk_behind_a_link(server: ReportsServer, store: Path) -> None:
    (store / "runs").rename(store.parent / "disk")
    (store / "runs").symlink_to(store.parent / "disk")
    assert answer(server, "/runs/run-1/report.html")[:2] == (200, REPORT)


@pytest.mark.parametrize(("host", "status"), [("localhost:1", 200), ("127.0.0.1:1", 200), ("rebound.example:1", 404)])
def test_only_this_machines_own_names_are_answered(server: ReportsServer, host: str, status: int) -> None:
    assert answer(server, "/runs/run-1/report.html", host=host)[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_is_answered(server: ReportsServer, method: str) -> None:
    assert answer(server, "/runs/run-1/report.html", method=method)[0] == 501


def test_it_listens_on_the_loopback_only(server: ReportsServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}"


def test_a_store_without_runs_yet_answers_not_found(tmp_path: Path) -> None:
    with ReportsServer(tmp_path / "nothing", port=0) as server:
        assert server.report("/runs/run-1/report.html") is None
