"""The server's settings: the user's own stay out, its password goes to its own clients, and nobody else's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.settings import PREFECT_SERVER_API_AUTH_STRING, temporary_settings

from flows import server


def test_the_users_prefect_profile_and_proxy_do_not_reach_the_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.example/api")
    monkeypatch.setenv("no_proxy", "intranet.example")
    environment = server.environment(4200, tmp_path, "http://127.0.0.1:4201")
    assert environment["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"
    assert environment["no_proxy"] == environment["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert environment["SAWTOOTH_STORE"] == str(tmp_path)
    assert environment["SAWTOOTH_REPORTS_URL"] == "http://127.0.0.1:4201"


def test_the_servers_clients_get_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "for:elsewhere")
    with temporary_settings({PREFECT_SERVER_API_AUTH_STRING: "night:watch"}):
        environment = server.environment(4200, tmp_path, "http://127.0.0.1:4201")
        assert environment["PREFECT_API_AUTH_STRING"] == "night:watch"
        with server.client_of(4200) as client:
            assert client._client.headers["Authorization"] == "Basic bmlnaHQ6d2F0Y2g="


def test_a_server_without_password_has_clients_without(tmp_path: Path) -> None:
    assert "PREFECT_API_AUTH_STRING" not in server.environment(4200, tmp_path, "http://127.0.0.1:4201")
    assert server.server_password() is None


def test_who_does_not_answer_is_not_healthy(free_ports: Callable[[int], list[int]]) -> None:
    [port] = free_ports(1)
    assert not server.is_healthy(port)
