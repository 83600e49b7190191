"""A run is drafted stage by stage, published whole, and found again only as it was."""

from pathlib import Path
from typing import Any

import pytest

from warehouse.errors import WarehouseError
from warehouse.runs import SCHEMAS, Draft, draft_of, facts_of, finish, finished, folder_of, run_id_of, table_of
from warehouse.store import Store, read_json, write_json

POINT = {"step": 1, "epoch": 0.25, "phase": 1, "estimator": "validation", "metric": "loss", "value": 2.5,
         "sum": 5.0, "count": 2, "ci_low": None, "ci_high": None}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def draft(store: Store) -> Draft:
    found = draft_of(store, "r1", anew=True)
    write_json(found.folder / "run.json", {"run_id": "r1"})
    found.write("curve_points", [POINT])
    (found.folder / "figures").mkdir()
    (found.folder / "figures" / "loss.png").write_bytes(b"picture")
    return found


def test_the_same_question_has_the_same_id() -> None:
    one = run_id_of("d", {"seed": 1, "lr": 0.1}, "c")
    assert one == run_id_of("d", {"lr": 0.1, "seed": 1}, "c")
    others = [
        ("e", {"seed": 1, "lr": 0.1}, "c"),
        ("d", {"seed": 2, "lr": 0.1}, "c"),
        ("d", {"seed": 1, "lr": 0.1}, "x"),
    ]
    assert len({one, *(run_id_of(*each) for each in others)}) == 4


def test_a_draft_is_found_again_and_emptied_when_asked(store: Store, draft: Draft) -> None:
    assert draft_of(store, "r1") == draft
    assert (draft_of(store, "r1").folder / "run.json").is_file()
    assert list(draft_of(store, "r1", anew=True).folder.iterdir()) == []


@pytest.mark.parametrize("table", SCHEMAS)
def test_tables_keep_their_columns_with_and_without_rows(draft: Draft, table: Any) -> None:
    draft.write(table, [])
    assert dict(draft.read(table).schema) == {name: type_() for name, type_ in SCHEMAS[table].items()}
    row = dict.fromkeys(SCHEMAS[table])
    draft.write(table, (row for _ in range(2)))
    assert draft.read(table).to_dicts() == [row, row]


def test_a_stage_is_done_while_its_files_are_what_they_were(draft: Draft) -> None:
    assert not draft.has("train")
    draft.mark("train")
    assert draft.has("train")
    (draft.folder / "later.txt").write_text("added")
    assert draft.has("train")
    draft.mark("report")
    picture = draft.folder / "figures" / "loss.png"
    picture.write_bytes(b"another")
    assert not draft.has("train")
    picture.unlink()
    assert not draft.has("report")


def test_a_finished_run_is_whole_and_read_alike(store: Store, draft: Draft) -> None:
    assert not finished(store, "r1")
    assert folder_of(store, "r1") == draft.folder
    drafted = (facts_of(store, "r1"), table_of(store, "r1", "curve_points"))
    draft.mark("train")
    folder = finish(store, draft)
    assert folder == store.run("r1") == folder_of(store, "r1")
    assert finished(store, "r1")
    assert not draft.folder.exists()
    assert facts_of(store, "r1") == drafted[0] == {"run_id": "r1"}
    assert table_of(store, "r1", "curve_points").equals(drafted[1])
    assert drafted[1].to_dicts() == [POINT]
    assert set(read_json(folder / "DONE")["files"]) == {"run.json", "curve_points.parquet", "figures/loss.png"}


@pytest.mark.parametrize("name", ["run.json", "curve_points.parquet", "figures/loss.png"])
def test_a_damaged_run_is_refused_by_name(store: Store, draft: Draft, name: str) -> None:
    path = finish(store, draft) / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(WarehouseError, match=rf"{name} was altered: the run is not used. Remove .*r1 and ask again"):
        finished(store, "r1")
    path.unlink()
    with pytest.raises(WarehouseError, match=f"{name} is missing"):
        finished(store, "r1")


def test_a_run_without_its_list_is_refused(store: Store, draft: Draft) -> None:
    (finish(store, draft) / "DONE").unlink()
    with pytest.raises(WarehouseError, match="DONE is not in the store"):
        finished(store, "r1")


def test_whoever_finished_first_stays(store: Store, draft: Draft) -> None:
    finish(store, draft)
    again = draft_of(store, "r1", anew=True)
    write_json(again.folder / "run.json", {"run_id": "another"})
    finish(store, again)
    assert facts_of(store, "r1") == {"run_id": "r1"}


def test_an_unknown_run_is_said(store: Store) -> None:
    with pytest.raises(WarehouseError, match=r"run\.json is not in the store"):
        facts_of(store, "nothing")


def test_a_table_that_cannot_be_written_is_said(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "steps.parquet")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    with pytest.raises(WarehouseError, match=r"steps\.parquet: no space left on device"):
        draft.write("steps", [])
