"""The command that asks the same again: what differs from the defaults, as options."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel


def command_for(flow: str, parameters: Mapping[str, Any]) -> str:
    """Return ``python -m flows FLOW`` with an option for every setting that is not as the default has it."""
    words = ["python", "-m", "flows", flow]
    for name, value in parameters.items():
        said = value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value
        for option, content in _options(name, said):
            words += [f"--{option}", content]
    return shlex.join(words)


def _options(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _options(f"{name}.{key}", inner)
    elif isinstance(value, list):
        yield name, json.dumps(value)
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)
