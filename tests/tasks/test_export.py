"""An export is named after its run, and is there whole or not at all."""

import shutil

import pytest

from models.errors import ModelError
from tasks import export as exporting
from tasks.export import export
from warehouse.errors import WarehouseError


@pytest.fixture
def written(monkeypatch):
    """Write the details in the place of the model; its own test compares scores."""
    monkeypatch.setattr(exporting, "export_onnx", lambda _model, path, details: path.write_text(str(details)))


@pytest.mark.usefixtures("written")
def test_a_run_is_exported_where_it_is_asked_for(tiny_run, tmp_path):
    made = export(tiny_run.run_id, "250k", None, str(tmp_path / "model.onnx"), str(tiny_run.store))
    assert (made.run_id, made.dataset_id) == (tiny_run.run_id, tiny_run.dataset_id)
    assert made.run_id in (tmp_path / "model.onnx").read_text()
    assert made.items.endswith(f"{tiny_run.dataset_id}/items.parquet")
    assert f"scores (batch, {made.n_items})" in str(made)


@pytest.mark.usefixtures("written")
def test_unsaid_it_goes_into_the_store(tiny_run, tmp_path):
    shutil.copytree(tiny_run.store, tmp_path / "store")
    made = export(tiny_run.run_id, "250k", None, None, str(tmp_path / "store"))
    assert made.file == str(tmp_path / "store" / "exports" / f"{tiny_run.run_id}.onnx")


def test_an_export_that_fails_leaves_the_old_file(tiny_run, tmp_path, monkeypatch):
    def fail(_model, path, _details):
        path.write_text("half")
        message = "no exporter"
        raise ModelError(message)

    monkeypatch.setattr(exporting, "export_onnx", fail)
    (tmp_path / "model.onnx").write_text("old")
    with pytest.raises(ModelError, match="no exporter"):
        export(tiny_run.run_id, "250k", None, str(tmp_path / "model.onnx"), str(tiny_run.store))
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("model.onnx", "old")]


def test_a_run_that_is_not_there_is_said(tiny_run, tmp_path):
    with pytest.raises(WarehouseError, match="run nothing is not in the store"):
        export("nothing", "250k", None, str(tmp_path / "model.onnx"), str(tiny_run.store))
