"""A model for runtimes that are not torch: ONNX, with the batch's size left open.

Legend: B batch, L longest history (10), V items.
"""

import logging
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch

from models.errors import ModelError
from models.gru import NextItemGRU
from models.windows import HISTORY

INPUTS = ("history", "length")
"""(B, L) int64 codes, oldest first, 0 after the last; (B,) int64 lengths, 1 to L."""
OUTPUTS = ("scores",)
"""(B, V) float32 logits; column j is the item of code j + 1."""


def export_onnx(model: NextItemGRU, path: Path, details: Mapping[str, str]) -> None:
    """Write a model as one ONNX file.

    Parameters
    ----------
    model
        On the CPU; it is in evaluation mode afterwards.
    path
        The file. Writing it under a temporary name and renaming it is the caller's part.
    details
        What the file says of itself, in its metadata.

    Raises
    ------
    ModelError
        If the exporter is not installed.
    """
    if find_spec("onnxscript") is None:
        message = "The export needs onnxscript, which is not installed: pip install 'sawtooth[onnx]'."
        raise ModelError(message)
    # Two rows of different lengths: the exporter takes what is the same in an example for a constant.
    example = (torch.ones(2, HISTORY, dtype=torch.int64), torch.tensor([HISTORY, 3]))
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own deprecations, which no user can mend
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # of torchvision's operators, which are not there
        program = torch.onnx.export(
            model.eval(),
            example,
            dynamo=True,
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_shapes=({0: batch}, {0: batch}),
            verbose=False,
        )
    if program is None:  # says the signature, for exporters of old
        message = "torch made no ONNX program of the model."
        raise ModelError(message)
    program.model.metadata_props.update(details)
    program.save(path, external_data=False)
