"""Reports over HTTP on this machine: browsers refuse file:// links on an http page such as Prefect's.

It answers `GET /runs/<id>/report.html` and `GET /studies/<id>/report.html` and nothing else: no listing, no other file,
no other machine.
"""

import re
import shutil
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LOOPBACK = "127.0.0.1"
_REPORT = re.compile(r"/(runs|studies)/([a-z0-9][a-z0-9._-]{0,79})/report\.html")
_OWN_NAMES = frozenset({LOOPBACK, "localhost"})
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    # A report carries its figures and script inside. Whatever else got in can load and send nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class ReportsServer(ThreadingHTTPServer):
    """Serves one store's reports on the loopback interface. Made, it holds the port; 0: any free one."""

    def __init__(self, store: Path, port: int) -> None:
        self._store = store
        super().__init__((LOOPBACK, port), _ReportHandler)

    @property
    def url(self) -> str:
        """Return where it answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.server_port}"

    def report(self, url_path: str) -> Path | None:
        """Return the report's file, or None where the address does not name one inside the store."""
        match = _REPORT.fullmatch(url_path)
        if match is None:
            return None
        try:
            kind = self._store / match[1]
            path = (kind / match[2] / "report.html").resolve(strict=True)
            inside = path.is_relative_to(kind.resolve(strict=True))
        except (OSError, RuntimeError):  # missing, unreadable, or links in a circle
            return None
        return path if inside and path.is_file() else None


class _ReportHandler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: ReportsServer
    timeout = 10  # seconds, so that a client that says nothing does not hold its thread

    def do_GET(self) -> None:
        """Send the report that the address names."""
        # A foreign page whose name was pointed at this machine (DNS rebinding) comes with its own name.
        own = self.headers.get("Host", "").rpartition(":")[0] in _OWN_NAMES
        path = self.server.report(self.path) if own else None
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with path.open("rb") as file:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(file, self.wfile)

    def end_headers(self) -> None:
        """Add the headers that every answer has, errors too."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def version_string(self) -> str:
        """Say nothing about the version of anything."""
        return "sawtooth"

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: the terminal belongs to the flow runs."""
