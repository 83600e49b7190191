"""Files that come back, and files that are damaged."""

import json
import math
from pathlib import Path

import pytest
import torch

from models.config import Model
from models.errors import ModelError
from models.gru import NextItemGRU, build_model
from models.stored import DESCRIPTION, WEIGHTS, load_description, load_model, save

DETAILS = {"dataset": "abc", "metrics": {"validation/hr@10": 0.2}, "code": "1.0"}


@pytest.fixture(params=["separate", "tied"])
def model(request: pytest.FixtureRequest) -> NextItemGRU:
    return build_model(Model(embedding_dim=4, hidden_dim=6, layer_norm=True, output=request.param), 9, seed=3).eval()


def test_a_stored_model_gives_the_very_same_scores(model: NextItemGRU, tmp_path: Path) -> None:
    save(tmp_path / "run", model, DETAILS)
    loaded = load_model(tmp_path / "run")
    arguments = torch.tensor([[4, 5, 0]]), torch.tensor([2])
    assert torch.equal(loaded(*arguments), model(*arguments))
    assert loaded.config == model.config
    assert not loaded.training
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    description = load_description(tmp_path / "run")
    assert (description.n_items, description.details) == (9, DETAILS)


@pytest.mark.parametrize("name", [WEIGHTS, DESCRIPTION])
def test_a_missing_file_is_named(model: NextItemGRU, tmp_path: Path, name: str) -> None:
    save(tmp_path, model, DETAILS)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=f"{name} cannot be read"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", [WEIGHTS, DESCRIPTION])
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_file_is_named(model: NextItemGRU, tmp_path: Path, name: str, damage: str) -> None:
    save(tmp_path, model, DETAILS)
    content = bytearray((tmp_path / name).read_bytes())
    if damage == "flipped":
        content[-30 if name == WEIGHTS else 2] ^= 1
    (tmp_path / name).write_bytes(content[:-9] if damage == "cut" else content)
    with pytest.raises(ModelError, match=name):
        load_model(tmp_path)


def test_weights_of_another_model_are_refused(model: NextItemGRU, tmp_path: Path) -> None:
    save(tmp_path, model, DETAILS)
    path = tmp_path / DESCRIPTION
    description = json.loads(path.read_text())
    path.write_text(json.dumps(description | {"n_items": 10}))
    with pytest.raises(ModelError, match=r"(?s)does not hold the weights.*size mismatch"):
        load_model(tmp_path)
    path.write_text(json.dumps(description | {"format": 2}))
    with pytest.raises(ModelError, match=r"model\.json is damaged"):
        load_model(tmp_path)


@pytest.mark.parametrize("value", [math.nan, Path("x")])
def test_details_that_json_cannot_say_are_refused(model: NextItemGRU, tmp_path: Path, value: object) -> None:
    with pytest.raises(ModelError, match="cannot be written as JSON"):
        save(tmp_path, model, {"metric": value})
