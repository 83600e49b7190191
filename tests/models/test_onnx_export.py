"""The exported model gives the scores of the model, in a runtime that is not torch."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models import onnx_export
from models.config import Model
from models.errors import ModelError
from models.gru import build_model
from models.onnx_export import export_onnx


def histories(rows: int, n_items: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make histories of all lengths, unknown items among them, padded with 0."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 11, rows)
    codes = rng.integers(0, n_items + 1, (rows, 10))
    codes[np.arange(10) >= lengths[:, None]] = 0
    return codes, lengths


@pytest.mark.parametrize(
    "config",
    [
        Model(embedding_dim=8, hidden_dim=12, dropout=0.5),
        Model(embedding_dim=8, hidden_dim=12, output="tied", layer_norm=True, output_bias=False),
    ],
    ids=["separate", "tied"],
)
def test_scores_are_equal_for_batches_of_any_size(config, tmp_path):
    model = build_model(config, 30, seed=1)
    path = tmp_path / "model.onnx"
    export_onnx(model, path, {"run_id": "r"})
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx"]
    assert {one.key: one.value for one in onnx.load(path).metadata_props}["run_id"] == "r"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for rows in (1, 2, 77):
        codes, lengths = histories(rows, 30, seed=rows)
        (found,) = session.run(["scores"], {"history": codes, "length": lengths})
        with torch.no_grad():
            expected = model.eval()(torch.from_numpy(codes), torch.from_numpy(lengths)).numpy()
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=2e-6, rtol=1e-5)


def test_without_the_exporter_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install 'sawtooth\[onnx\]'"):
        export_onnx(build_model(Model(), 3, seed=0), tmp_path / "model.onnx", {})
