"""Names that tell the truth: hashes of content, of questions and of code."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from warehouse.store import told_plainly


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal.

    Raises
    ------
    WarehouseError
        If the file cannot be read.
    """
    with told_plainly(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(question: Any) -> str:
    """Return 16 hexadecimal characters that name a JSON-able question."""
    text = json.dumps(question, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_digest(files: Iterable[Path]) -> str:
    """Return 16 hexadecimal characters that name the content of some source files."""
    return digest_of({path.name: sha256_of(path) for path in files})
