"""A PostgreSQL server for one test: a cluster of its own, on the loopback interface, with a password."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PASSWORD = "kept-to-ourselves"


def binaries() -> Path | None:
    """Return the folder of initdb and postgres, or None where they are not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "postgres").is_file()), None)


@contextmanager
def postgres(port: int) -> Iterator[str]:
    """Start a cluster in a temporary folder; give the URL of its database, and remove it all at the end.

    PostgreSQL refuses to run as root, so root runs it as nobody.
    """
    folder = binaries()
    assert folder is not None
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    with TemporaryDirectory(prefix="sawtooth-postgres-") as name:
        root = Path(name)
        (root / "password").write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (root, root / "password"):
                shutil.chown(path, user)
        subprocess.run(
            [folder / "initdb", "--no-sync", "--auth=scram-sha-256", "--username=sawtooth",
             f"--pwfile={root / 'password'}", root / "data"],
            user=user if os.getuid() == 0 else None, cwd=root, check=True, capture_output=True,
        )  # fmt: skip
        server = subprocess.Popen(
            [folder / "postgres", "-D", root / "data", "-p", str(port), "-h", "127.0.0.1", "-k", root, "-F"],
            user=user if os.getuid() == 0 else None, cwd=root, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield f"postgresql+asyncpg://sawtooth:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait(30)
