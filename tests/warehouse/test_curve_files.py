import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.event_records import VERSION, record, simple
from warehouse.curve_files import read_curves_file
from warehouse.curve_names import CurveColumns
from warehouse.curve_tables import TIDY
from warehouse.errors import WarehouseError

GUESSED = CurveColumns()


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes, name: str = "curves"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def rows(path, columns=GUESSED):
    return read_curves_file(path, columns).values.select("step", "epoch", "name", "value").rows()


WIDE = [(10, 0.5, "loss", 5.0), (20, 1.0, "loss", 4.0), (20, 1.0, "val_loss", 4.5)]


@pytest.mark.parametrize(
    "text",
    [
        "step,epoch,loss,val_loss\n10,0.5,5.0,\n20,1.0,4.0,4.5\n",
        "step;epoch;loss;val_loss\n10;0,5;5,0;\n20;1,0;4,0;4,5\n",
        "step\tepoch\tloss\tval_loss\n10\t0.5\t5.0\t\n20\t1.0\t4.0\t4.5\n",
        '\ufeff"step","epoch","loss","val_loss"\r\n10,0.5,5.0,\r\n20,1.0,4.0,4.5\r\n',
        '{"step": 10, "epoch": 0.5, "loss": 5}\n\n{"step": 20, "epoch": 1.0, "loss": 4, "val_loss": 4.5}\n',
        '[{"step": 10, "epoch": 0.5, "loss": 5}, {"step": 20, "epoch": 1.0, "loss": 4, "val_loss": 4.5}]',
        '{\n "log_history": [{"step": 10, "epoch": 0.5, "loss": 5},\n'
        ' {"step": 20, "epoch": 1.0, "loss": 4, "val_loss": 4.5}], "best_metric": null\n}',
        "step,epoch,metric,value\n10,0.5,loss,5\n20,1.0,loss,4\n20,1.0,val_loss,4.5\n",
    ],
    ids=["csv", "semicolons", "tabs", "excel", "json lines", "json list", "trainer state", "long"],
)
def test_one_table_in_many_forms(file, text):
    assert sorted(rows(file(text)), key=lambda row: (row[2], row[0])) == WIDE


def test_parquet(tmp_path):
    path = tmp_path / "c.parquet"
    pl.DataFrame({"step": [10, 20], "epoch": [0.5, 1.0], "loss": [5, 4], "when": ["a", "b"]}).write_parquet(path)
    assert rows(path) == WIDE[:2]
    assert read_curves_file(path, GUESSED).values.schema == TIDY


def test_lightning_metrics_are_sparse(file):
    text = "epoch,lr-Adam,step,train_loss_epoch,train_loss_step,val_loss\n0,,49,,5.0,\n0,0.001,49,,,\n0,,99,4.5,,4.0\n"
    found = read_curves_file(file(text), GUESSED)
    assert found.roles == {"train_loss": "train_loss_step", "validation_loss": "val_loss", "lr": "lr-Adam"}
    assert found.values.filter(name="val_loss").rows() == [("", 99, 0.0, "val_loss", 4.0)]


def test_hugging_face_trainer_state_on_one_line(file):
    history = [
        {"epoch": 0.5, "learning_rate": 1e-4, "loss": 3.0, "grad_norm": 1.5, "step": 5},
        {"epoch": 0.5, "eval_loss": 2.5, "eval_runtime": 1.0, "step": 5},
        {"epoch": 1.0, "train_runtime": 9.0, "train_loss": 2.75, "step": 10},
    ]
    found = read_curves_file(file(json.dumps({"log_history": history, "epoch": 1.0})), GUESSED)
    assert found.roles == {
        "train_loss": "loss", "validation_loss": "eval_loss", "lr": "learning_rate", "grad_norm": "grad_norm",
    }  # fmt: skip


def test_wandb_export_names_runs_in_the_header(file):
    text = (
        '"Step","sky-1 - train_loss","sky-1 - train_loss__MIN","sky-1 - train_loss__MAX","b-2 - train_loss"\n'
        '"1","5","4","6","7"\n"2","4","3","5",""\n'
    )
    found = read_curves_file(file(text), GUESSED).values
    assert found.select("run", "step", "name", "value").rows() == [
        ("sky-1", 1, "train_loss", 5.0), ("sky-1", 2, "train_loss", 4.0), ("b-2", 1, "train_loss", 7.0),
    ]  # fmt: skip


def test_mlflow_export_is_long_by_run(file):
    text = "run_id,key,value,timestamp,step\nabc,train_loss,5,1600000000000,1\ndef,train_loss,4,1600000000001,1\n"
    assert read_curves_file(file(text), GUESSED).values.select("run", "value").rows() == [("abc", 5.0), ("def", 4.0)]


def test_the_stores_own_curve_points(file):
    text = "run_id,step,epoch,estimator,metric,value\nr,1,0.5,train_running,loss,5\nr,1,0.5,train_probe,hr@10,0.2\n"
    assert read_curves_file(file(text), GUESSED).roles == {
        "train_loss": "train_running/loss",
        "probe_hr": "train_probe/hr@10",
    }


def test_tensorboard_with_epochs_by_step(file):
    events = [simple(5, "loss", 2.0), simple(5, "epoch", 0.0), simple(9, "loss", 1.0), simple(9, "epoch", 1.0)]
    found = rows(file(b"".join(map(record, [VERSION, *events]))))
    assert found == [(5, 0.0, "loss", 2.0), (9, 1.0, "loss", 1.0)]


def test_without_a_step_rows_are_counted(file):
    assert [row[0] for row in rows(file("loss\n3\n2\n1\n"))] == [1, 2, 3]
    long = "metric,value\nloss,3\nval_loss,9\nloss,2\n"
    assert [row[:1] + row[2:] for row in rows(file(long))] == [(1, "loss", 3.0), (1, "val_loss", 9.0), (2, "loss", 2.0)]


def test_columns_can_be_said(file):
    text = "t,e,who,a,b\n1,0.5,x,5,6\n2,1.0,x,4,5\n"
    said = CurveColumns(step="t", epoch="e", run="who", train_loss="a", validation_loss="b")
    found = read_curves_file(file(text), said)
    assert found.values.rows()[0] == ("x", 1, 0.5, "a", 5.0)
    assert found.roles == {"train_loss": "a", "validation_loss": "b"}
    long = CurveColumns(name="what", value="much")
    assert rows(file("what,much,step\nloss,5,1\n"), long) == [(1, None, "loss", 5.0)]


def test_values_that_are_not_finite_are_kept_and_text_is_not(file):
    found = rows(file("step,loss,note\n1,nan,a\n2,inf,b\n3,4,c\n"))
    assert [str(row[3]) for row in found] == ["nan", "inf", "4.0"]


def test_nested_rows_are_flattened_once(file):
    assert rows(file('{"step": 1, "train": {"loss": 2, "tags": ["x"]}, "ok": true}\n')) == [
        (1, None, "train/loss", 2.0)
    ]


def test_numbers_keep_all_their_digits(tmp_path):
    path = tmp_path / "c.parquet"
    pl.DataFrame({"loss": [0.1 + 0.2, 1 / 3]}).write_parquet(path)
    assert [row[3] for row in rows(path)] == [0.1 + 0.2, 1 / 3]


DEEP = "[" * 100_000 + "]" * 100_000
BAD = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n\n", "cannot be read as CSV|no numeric column"),
    "binary": (bytes(range(256)) * 40, "neither text, Parquet nor"),
    "text": (b"a,b\nx,y\nz,w\n", "no numeric column"),
    "only steps": (b"step,epoch\n1,1\n2,2\n", "no numeric column"),
    "nothing known": (b"step,foo,bar\n1,2,3\n", "looks like a loss or a hit ratio.*foo, bar"),
    "wide": ((",".join(f"c{i}" for i in range(10_000)) + "\n").encode(), "10,000 columns"),
    "wide json": (json.dumps([{f"c{i}": 1 for i in range(10_000)}]).encode(), "10,000 columns"),
    "deep": (DEEP.encode(), "cannot be read as JSON"),
    "deep in a line": (b'{"a": ' + DEEP.encode() + b"}\n", "cannot be read as JSON"),
    "half json": (b'{"step": 1, "loss": 2}\n{"step": 2, "lo', "line 2"),
    "no rows": (b'{\n"a": 1, "log_history": {"b": 2}}', "neither a list of rows"),
    "numbers": (b"[1, 2, 3]", "neither a list of rows"),
    "huge cell": (b"step,loss\n1," + b"9" * 3_000_000 + b"\n", "line longer than"),
    "huge json cell": (b'{"step": 1, "loss": "' + b"9" * 3_000_000 + b'"}\n', "line longer than"),
    "cut parquet": (b"PAR1" + b"x" * 100, "cannot be read as Parquet"),
    "cut events": (record(VERSION)[:-3], "cut off in record 1"),
    "not utf-8": (b"step,loss\n1,\xff\xfe\n", "cannot be read as CSV"),
    "open quote": (b'step,loss\n1,"2\n3,4\n', "cannot be read as CSV|no numeric column"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_clear_error(file, name):
    content, said = BAD[name]
    with pytest.raises(WarehouseError, match=said) as caught:
        read_curves_file(file(content), GUESSED)
    assert "curves" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(WarehouseError, match="no such file"):
            read_curves_file(path, GUESSED)


@settings(max_examples=60)
@given(st.binary(max_size=300) | st.text(alphabet='0123456789.,;\t\n"{}[]:step los', max_size=300).map(str.encode))
def test_whatever_the_bytes_it_is_curves_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "curves"
    path.write_bytes(content)
    said = ""
    try:
        n_values = read_curves_file(path, GUESSED).values.height
    except WarehouseError as error:
        n_values, said = 0, str(error)
    assert n_values > 0 or str(path) in said


def test_columns_of_one_name_but_for_blanks_are_kept_apart(file):
    assert [row[2:] for row in rows(file("loss, loss\n1,2\n"))] == [("loss", 1.0), (" loss", 2.0)]


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_VALUES"])
def test_what_unpacks_too_large_is_refused(tmp_path, monkeypatch, limit):
    path = tmp_path / "c.parquet"
    pl.DataFrame({"loss": [1.0] * 5_000}).write_parquet(path)
    monkeypatch.setattr(f"warehouse.curve_files.{limit}", 4_000)
    with pytest.raises(WarehouseError, match=r"unpacks to more|larger than"):
        read_curves_file(path, GUESSED)


@pytest.mark.parametrize(
    "content",
    ["loss\n" + "1\n" * 50, '{"loss": 1}\n' * 50, json.dumps([{"loss": 1}] * 50)],
    ids=["csv", "lines", "list"],
)
def test_too_many_values_are_refused(file, monkeypatch, content):
    monkeypatch.setattr("warehouse.curve_limits.MOST_VALUES", 40)
    with pytest.raises(WarehouseError, match="more than 40 values"):
        read_curves_file(file(content), GUESSED)


def test_a_large_json_document_is_refused(file, monkeypatch):
    monkeypatch.setattr("warehouse.curve_json.MOST_JSON_BYTES", 10)
    with pytest.raises(WarehouseError, match="write JSON lines"):
        read_curves_file(file('[\n{"loss": 1}\n]'), GUESSED)
