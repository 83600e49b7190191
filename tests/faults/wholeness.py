"""What must hold of a store whatever was killed in it, and of two runs that are to be the same."""

import json
from pathlib import Path

from warehouse.fingerprint import sha256_of
from warehouse.runs import is_whole
from warehouse.snapshot import open_snapshot


def assert_no_corruption(store: Path) -> None:
    """Verify every published folder by its own hashes."""
    for run in (store / "runs").glob("*"):
        assert is_whole(run, "", "")
        listed = {*json.loads((run / "DONE").read_text())["files"], "DONE"}
        found = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file() and path.suffix != ".mark"}
        assert found == listed
    for dataset in (store / "datasets").glob("*"):
        open_snapshot(dataset)
    for manifest in (store / "events").glob("*/manifest.json"):
        for batch in json.loads(manifest.read_text())["batches"]:
            assert sha256_of(manifest.parent / batch["batch"] / "events.parquet") == batch["events_sha256"]


def assert_nothing_unfinished(store: Path) -> None:
    """Find no file in the work folder but locks."""
    left = [path for path in (store / "work").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []


def assert_same_run(run: Path, reference: Path) -> None:
    """Compare weights and every table byte by byte."""
    names = {path.name for path in reference.iterdir() if path.suffix in {".parquet", ".safetensors"}}
    assert len(names) >= 9
    assert {path.name for path in run.iterdir()} - {path.name for path in run.glob("*.mark")} == {
        path.name for path in reference.iterdir()
    }
    differing = [name for name in sorted(names) if (run / name).read_bytes() != (reference / name).read_bytes()]
    assert differing == []
