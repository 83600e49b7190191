"""One tiny night, run once through the command line and looked at by many tests."""

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.command_line import main

TINY = {
    "source.synthetic.events": 8_000,
    "source.synthetic.items": 80,
    "dataset.train_windows": 2_000,
    "dataset.validation_windows": 200,
    "dataset.test_windows": 200,
    "training.probe_windows": 300,
    "training.epochs": 2,
    "training.batch_size": 64,
    "compute.threads": 1,
}


@dataclass(frozen=True)
class TinyNight:
    """A night's command line, store and result."""

    words: list[str]
    store: Path
    night: dict[str, Any]

    @property
    def run(self) -> Path:
        return self.store / "runs" / self.night["run_id"]


def words_for(store: Path, **changes: Any) -> list[str]:
    """Return a tiny night's command line; a change is named with two underscores for a dot."""
    options = {**TINY, **{name.replace("__", "."): value for name, value in changes.items()}}
    return [
        "nightly",
        "--store",
        str(store),
        *(word for key, value in options.items() for word in (f"--{key}", str(value))),
    ]


@pytest.fixture(scope="session")
def tiny_night(tmp_path_factory: pytest.TempPathFactory) -> TinyNight:
    """Run a tiny night in a store of its own."""
    store = tmp_path_factory.mktemp("tiny") / "store"
    words = words_for(store)
    with redirect_stdout(io.StringIO()) as out:
        assert main([*words, "--format", "json"]) == 0
    return TinyNight(words, store, json.loads(out.getvalue()))
