"""Who is the champion: one file a source and size, its history whole, whoever writes at once."""

import json
import multiprocessing
from pathlib import Path

import pytest

from warehouse.champions import (
    Entry,
    Standing,
    champion_of,
    champion_rows,
    record,
    roll_back,
    standing_of,
    standings,
)
from warehouse.errors import WarehouseError
from warehouse.runs import draft_of, finish
from warehouse.store import Store, write_json


def entry(action: str, run_id: str, champion: str | None, test_hr: float | None = 0.3) -> Entry:
    return Entry(at="2026-11-25T02:00:00+00:00", action=action, run_id=run_id, champion=champion, dataset_id="d",
                 metric="hr@10", test_hr=test_hr, reason="why")  # fmt: skip


def stored(store: Store, *run_ids: str) -> None:
    for run_id in run_ids:
        draft = draft_of(store, run_id, anew=True)
        write_json(draft.folder / "run.json", {"run_id": run_id, "dataset_id": "d", "metric": "hr@10", "test_hr": 0.25})
        finish(store, draft)


def throned(store: Store, *run_ids: str, source: str = "shop") -> Standing:
    """Make one run after the other the champion."""
    stored(store, *run_ids)
    for run_id in run_ids:
        record(store, standing_of(store, source, "250k"), entry("promoted", run_id, run_id))
    return standing_of(store, source, "250k")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def quiet(_: str) -> None: ...


def test_nobody_stands_before_anything_was_decided(store: Store) -> None:
    assert standing_of(store, "shop", "250k") == Standing(source="shop", size="250k")
    assert standings(store) == champion_rows(store) == []
    with pytest.raises(WarehouseError, match="no champion of size 250k yet; the nightly flow makes one"):
        champion_of(store, None, "250k")


def test_what_is_recorded_is_read_again_and_the_pointer_is_plain_json(store: Store) -> None:
    throned(store, "a", "b")
    after = record(store, standing_of(store, "shop", "250k"), entry("kept out", "c", "b", None))
    assert standing_of(store, "shop", "250k") == after
    assert [one.run_id for one in after.history] == ["a", "b", "c"]
    file = json.loads((store.root / "champions" / "shop" / "250k.json").read_text())
    assert file["run_id"] == "b"
    assert after.since() == after.history[1]
    assert after.decided("c") == after.history[2]
    assert after.decided("d") is None


def test_two_sources_do_not_meet(store: Store) -> None:
    throned(store, "a")
    throned(store, "b", source="other")
    assert [(one.source, one.run_id) for one in standings(store)] == [("other", "b"), ("shop", "a")]
    assert champion_of(store, "shop", "250k").run_id == "a"
    with pytest.raises(WarehouseError, match="2 sources have a champion of size 250k; say --source, one of: other"):
        champion_of(store, None, "250k")
    with pytest.raises(WarehouseError, match="no champion of third of size 250k"):
        champion_of(store, "third", "250k")


def test_a_source_with_decisions_and_no_champion_is_not_meant(store: Store) -> None:
    throned(store, "a")
    record(store, standing_of(store, "other", "250k"), entry("kept out", "x", None))
    assert champion_of(store, None, "250k").source == "shop"


@pytest.mark.parametrize(
    ("acts", "reigns"),
    [
        ("+a", "a"),
        ("+a +b -c", "ab"),
        ("+a +b +c", "abc"),
        ("+a +b +c <b", "ab"),
        ("+a +b +c <b <a", "a"),
        ("+a +b +c <a +d", "ad"),
        ("+a +b <a >b", "ab"),  # rolled forward again by name
        ("+a +b +c <b +d <b", "ab"),
        ("-x", ""),
    ],
)
def test_a_rollback_takes_down_those_who_came_after(acts: str, reigns: str) -> None:
    standing = Standing(source="shop", size="250k")
    words = {"+": "promoted", "-": "kept out", "<": "rolled back", ">": "rolled back"}
    for act in acts.split():
        champion = standing.run_id if act[0] == "-" else act[1]
        standing = standing.with_entry(entry(words[act[0]], act[1], champion))
    assert standing.reigns() == list(reigns)
    assert standing.run_id == (reigns[-1] if reigns else None)


def test_a_rollback_puts_the_one_before_back_and_says_so(store: Store) -> None:
    standing = throned(store, "a", "b", "c")
    after = roll_back(store, standing, None, quiet)
    assert (after.run_id, after.history[-1].action) == ("b", "rolled back")
    assert after.history[-1].reason == "asked for, in the place of c"
    assert after.decided("c").action == "promoted"
    assert roll_back(store, after, None, quiet).run_id == "a"
    with pytest.raises(WarehouseError, match="a is the first champion of shop-250k: there is none before it"):
        roll_back(store, standing, None, quiet)  # as it is in the store, not as it was seen


def test_a_rollback_to_a_run_by_name(store: Store) -> None:
    standing = throned(store, "a", "b", "c")
    after = roll_back(store, standing, "a", quiet)
    assert after.run_id == "a"
    assert roll_back(store, after, "c", quiet).run_id == "c"
    with pytest.raises(WarehouseError, match="run c is the champion of shop-250k; others that were: a, b"):
        roll_back(store, after, "c", quiet)
    with pytest.raises(WarehouseError, match="run x never was a champion of shop-250k; others that were: a, b"):
        roll_back(store, after, "x", quiet)


def test_a_run_that_is_gone_or_altered_is_not_put_back(store: Store) -> None:
    standing = throned(store, "a", "b")
    before = store.champion("shop", "250k").read_bytes()
    (store.run("a") / "run.json").write_text("{}")
    with pytest.raises(WarehouseError, match=r"run\.json was altered"):
        roll_back(store, standing, None, quiet)
    store.run("a").rename(store.root / "away")
    with pytest.raises(WarehouseError, match="run a is no longer in the store"):
        roll_back(store, standing, None, quiet)
    assert store.champion("shop", "250k").read_bytes() == before


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"source": "shop", "size": "250k", "history": [{"at": 3}]}'])
def test_a_damaged_file_is_named(store: Store, content: str) -> None:
    path = store.champion("shop", "250k")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(WarehouseError, match=r"250k\.json is damaged"):
        standing_of(store, "shop", "250k")


def test_rows_say_which_decision_is_current(store: Store) -> None:
    throned(store, "a", "b")
    record(store, standing_of(store, "shop", "250k"), entry("kept out", "c", "b"))
    assert [(row["run_id"], row["action"], row["is_current"]) for row in champion_rows(store)] == [
        ("a", "promoted", False), ("b", "promoted", True), ("c", "kept out", False),
    ]  # fmt: skip


def _decide(root: str, name: str, start: "multiprocessing.synchronize.Barrier") -> None:
    store = Store(Path(root))
    start.wait(60)
    for number in range(10):
        with store.lock("champions", "shop-250k", quiet):
            record(store, standing_of(store, "shop", "250k"), entry("promoted", f"{name}-{number}", f"{name}-{number}"))


def test_two_processes_at_once_lose_no_decision_and_readers_see_whole_files(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    writers = [context.Process(target=_decide, args=(str(store.root), name, start)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    start.wait(60)
    seen = [0]
    while any(writer.is_alive() for writer in writers):
        seen.append(len(standing_of(store, "shop", "250k").history))  # raises on half a file
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    standing = standing_of(store, "shop", "250k")
    assert sorted(one.run_id for one in standing.history) == sorted(f"{n}-{i}" for n in "ab" for i in range(10))
    assert standing.run_id == standing.history[-1].run_id
    assert seen == sorted(seen)
