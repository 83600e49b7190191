"""Weights on disk: safetensors and JSON, so that reading a model never runs code from its file."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load
from safetensors.torch import save as serialised

from models.config import Closed, Model
from models.errors import ModelError
from models.gru import NextItemGRU, build_model

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"


class Description(Closed):
    """What model.json says."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    format: int = Field(1, ge=1, le=1, description="Version of this file's layout.")
    model: Model
    n_items: int = Field(ge=1, description="V, items in the vocabulary.")
    weights_sha256: str = Field(description="Of the weights file, which has no checksum of its own.")
    details: dict[str, Any] = Field(description="Where it comes from: dataset, metrics, code version.")


def save(folder: Path, model: NextItemGRU, details: Mapping[str, Any]) -> None:
    """Write a model into a folder.

    Parameters
    ----------
    folder
        Where; made if missing. Writing it under a temporary name and renaming it is the caller's part.
    model
        On any device.
    details
        JSON values to store with it: dataset id, metrics, code version.

    Raises
    ------
    ModelError
        If the details hold something that JSON has no word for, NaN included.
    OSError
        If the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    content = serialised(weights)
    (folder / WEIGHTS).write_bytes(content)
    description = {
        "format": 1,
        "model": model.config.model_dump(mode="json"),
        "n_items": model.n_items,
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "details": dict(details),
    }
    try:
        text = json.dumps(description, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        message = f"The details of the model in {folder} cannot be written as JSON: {error}. Give plain values."
        raise ModelError(message) from error
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def load_description(folder: Path) -> Description:
    """Read what a stored model is, without its weights.

    Parameters
    ----------
    folder
        Where `save` wrote.

    Returns
    -------
    Description
        Configuration, sizes and details.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    path = folder / DESCRIPTION
    try:
        return Description.model_validate_json(_read(path))
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{path} is damaged or not a description of a model ({first['msg']}). Restore it, or train again."
        raise ModelError(message) from error


def load_model(folder: Path) -> NextItemGRU:
    """Read a model that gives the very scores it gave when it was saved.

    Parameters
    ----------
    folder
        Where `save` wrote.

    Returns
    -------
    NextItemGRU
        On the CPU, in evaluation mode.

    Raises
    ------
    ModelError
        If a file is missing or damaged, or the two do not belong together.
    """
    description = load_description(folder)
    path = folder / WEIGHTS
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != description.weights_sha256:
        message = f"{path} is not the file that {DESCRIPTION} describes (by SHA-256). Restore it, or train again."
        raise ModelError(message)
    model = build_model(description.model, description.n_items, seed=0)
    try:
        model.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        message = f"{path} does not hold the weights of the model that {DESCRIPTION} describes: {error}"
        raise ModelError(message) from error
    return model.eval()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}): this folder holds no stored model, or not all of it."
        raise ModelError(message) from error
