"""A study is published whole, refused where it was altered, and flat in its table."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.warehouse import study_cases as cases
from warehouse.errors import WarehouseError
from warehouse.store import Store
from warehouse.studies import (
    ARM_COLUMNS,
    arm_table,
    concluded,
    publish_study,
    sawtooth_of,
    study_facts,
    study_id_of,
    study_verdict,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    publish_study(store, cases.facts(), cases.verdict(), "<p>page</p>", {"curves": b"png"})
    return store


def test_a_study_is_published_whole(store: Store) -> None:
    folder = store.study(cases.STUDY_ID)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    written = {"study.json", "verdict.json", "arms.parquet", "report.html", "figures/curves.png"}
    assert files == {*written, "DONE"}
    assert set(json.loads((folder / "DONE").read_text())["files"]) == written
    assert concluded(store, cases.STUDY_ID)
    assert study_facts(store, cases.STUDY_ID) == cases.facts()
    assert study_verdict(store, cases.STUDY_ID) == cases.verdict()
    assert not list((store.root / "work" / "studies").iterdir())


def test_a_study_that_is_not_there_is_not_concluded(store: Store) -> None:
    assert not concluded(store, "s-2")


@pytest.mark.parametrize(("change", "said"), [("alter", "was altered"), ("remove", "is missing")])
def test_a_study_that_was_changed_is_refused_by_name(store: Store, change: str, said: str) -> None:
    path = store.study(cases.STUDY_ID) / "verdict.json"
    path.write_text("{}") if change == "alter" else path.unlink()
    with pytest.raises(WarehouseError, match=f"verdict.json {said}: the study is not used"):
        concluded(store, cases.STUDY_ID)


def test_an_arm_is_a_row_with_its_estimates_flat() -> None:
    base, fixed, diverged = arm_table("s", cases.verdict()["arms"]).to_pylist()
    assert list(base) == list(ARM_COLUMNS)
    assert (base["study_id"], base["place"], base["run_ids"], base["seeds"]) == ("s", 0, ["base-0", "base-1"], [0, 1])
    assert base["train_loss_sawtooth"] == -0.3
    assert (base["train_loss_sawtooth_low"], base["train_loss_sawtooth_high"]) == pytest.approx((-0.31, -0.29))
    assert base["train_loss_matched"] == -0.15
    assert base["probe_loss_sawtooth"] is None
    assert base["difference"] is None
    assert (fixed["place"], fixed["difference"], fixed["removes_picture"]) == (1, 0.002, "yes")
    assert (fixed["difference_low"], fixed["difference_high"]) == pytest.approx((-0.002, 0.006))
    assert (diverged["status"], diverged["train_loss_sawtooth"], diverged["explained_low"]) == ("diverged", None, None)


def test_the_table_has_a_row_an_arm_on_disk(store: Store) -> None:
    table = pq.read_table(store.study(cases.STUDY_ID) / "arms.parquet")
    assert table.column("name").to_pylist() == ["base", "fixed-order", "lr-0.01"]


@pytest.mark.parametrize("place", range(5))
def test_everything_that_is_asked_has_a_part_in_the_id(place: int) -> None:
    asked = ["sweep", "d", {"lr": 1}, {"base": ["r"]}, "code"]
    other = ["diagnose", "e", {"lr": 2}, {"base": ["r", "s"]}, "changed"]
    changed = [*asked[:place], other[place], *asked[place + 1 :]]
    assert study_id_of(*asked) == study_id_of(*asked)
    assert study_id_of(*changed) != study_id_of(*asked)


def test_a_curve_without_a_sawtooth_has_none() -> None:
    arm = cases.verdict()["arms"][0]
    assert sawtooth_of(arm, "train_loss")["excess"] == -0.3
    assert sawtooth_of(arm, "probe_loss") is None
