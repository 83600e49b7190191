"""Names that tell the truth: hashes of content, of questions and of code."""

import hashlib
import json
import re
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


def reached_from(module: Path) -> list[Path]:
    """Return a module's file and those of its own package that it imports, directly or not, sorted.

    What a module cannot reach cannot change what it does, so it has no part in the name of its results.
    """
    package = module.parent
    imports = re.compile(rf"^\s*(?:from|import) {package.name}\.(\w+)", re.MULTILINE)
    found, open_ = {module}, [module]
    while open_:
        named = imports.findall(open_.pop().read_text(encoding="utf-8"))
        new = {path for name in named if (path := package / f"{name}.py").is_file()} - found
        found |= new
        open_ += new
    return sorted(found)


def code_digest(files: Iterable[Path]) -> str:
    """Return 16 hexadecimal characters that name the content of some source files."""
    return digest_of({path.name: sha256_of(path) for path in files})
