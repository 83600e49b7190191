"""Every test by itself: nothing of the user's Prefect or store is read or written, and no server starts unasked."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: how long an example takes says more of the machine than of the code.
settings.register_profile("sawtooth", deadline=None, max_examples=50)
settings.load_profile("sawtooth")

_HOME = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Isolate before any test module is imported: Prefect reads its settings then."""
    home = Path(tempfile.mkdtemp(prefix="sawtooth-tests-"))
    config.stash[_HOME] = home
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ |= {
        "OMP_NUM_THREADS": "1",  # two test processes on two cores: torch's loops collapse where they compete
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "SAWTOOTH_STORE": str(home / "store"),
    }
    os.environ.pop("SAWTOOTH_REPORTS_URL", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the tests left in the isolated home."""
    if _HOME in config.stash:
        shutil.rmtree(config.stash[_HOME], ignore_errors=True)


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], list[int]]:
    """Give a function that names so many ports of the loopback interface that nobody listens on."""

    def find(count: int) -> list[int]:
        with ExitStack() as held:
            sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
            return [each.getsockname()[1] for each in sockets]

    return find


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Run flows against a temporary Prefect server (about 10 seconds, once a session).

    Without heartbeats: joining their thread would cost every flow run a second.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield
