"""One `serve` command for all end-to-end tests that do it no harm."""

from collections.abc import Callable, Iterator

import pytest

from tests.end_to_end.serving import Served, serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, free_ports: Callable[[int], list[int]]) -> Iterator[Served]:
    """Give one `serve` to all tests that do it no harm; at the end it stops cleanly."""
    with serving(tmp_path_factory.mktemp("served"), free_ports(2)) as up:
        yield up
    assert up.process.returncode == 0, up.said
    assert "Stopped" in up.said
