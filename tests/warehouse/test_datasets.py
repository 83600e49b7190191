"""A dataset is built once, from what was ingested, whole or not at all; sizes are nested and draws repeat."""

import errno
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from warehouse import datasets as module
from warehouse.config import SIZES, Dataset, Split
from warehouse.datasets import windows_asked
from warehouse.errors import WarehouseError
from warehouse.flat import user_slices
from warehouse.ingest import manifest_of
from warehouse.snapshot import open_snapshot

SOME = {"train_windows": 60, "validation_windows": 10, "test_windows": 10}


def test_sizes_are_nested_and_may_be_overridden() -> None:
    counts = list(SIZES.values())
    assert all(np.less_equal(one, next_).all() for one, next_ in pairwise(counts))
    assert windows_asked("250k", Dataset()) == {"train": 250_000, "validation": 10_000, "test": 10_000}
    assert windows_asked("5.5m", Dataset(test_windows=7)) == {"train": 5_500_000, "validation": 1_000_000, "test": 7}


def test_asked_twice_is_built_once(house: Any, small_rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ingested = house.ingest_rows(small_rows)
    first = house.build(ingested)
    before = house.tree()
    monkeypatch.setattr(module, "_build", None)
    second = house.build(ingested)
    assert (first.reused, second.reused) == (False, True)
    assert (second.dataset_id, second.manifest) == (first.dataset_id, first.manifest)
    assert house.tree() == before
    assert house.told[-1].startswith(f"dataset {first.dataset_id} is in the store")


def test_another_question_is_another_dataset(house: Any, small_rows: Any) -> None:
    ingested = house.ingest_rows(small_rows)
    settings: list[dict[str, Any]] = [
        {}, {"seed": 1}, {"min_history": 2}, {"ties": "hash"}, {"split": Split(kind="leave_one_out")}, SOME,
        {"min_item_count": 2}, {"unknown_targets": "miss"}, {"collapse_repeats": True},
    ]  # fmt: skip
    assert len({house.build(ingested, **each).dataset_id for each in settings}) == len(settings)


def test_an_item_count_said_or_by_the_preset_is_one_question(house: Any, small_rows: Any) -> None:
    """Unset means the preset's, so that asking for the preset's number by name is the same dataset."""
    from dataclasses import replace

    ingested = replace(house.ingest_rows(small_rows), min_item_count=3)
    assert house.build(ingested).dataset_id == house.build(ingested, min_item_count=3).dataset_id
    assert house.build(ingested).manifest["config"]["min_item_count"] == 3
    assert house.build(ingested, min_item_count=1).dataset_id != house.build(ingested).dataset_id


def test_two_stores_give_the_same_bytes(new_house: Any, small_rows: Any) -> None:
    found = []
    for _ in range(2):
        house = new_house()
        built = house.build(house.ingest_rows(small_rows), **SOME, ties="hash")
        manifest = built.manifest
        found.append((built.dataset_id, manifest["hashes"], manifest["counts"], manifest["cuts"]))
    assert found[0] == found[1]


def test_another_seed_draws_other_windows(house: Any, small_rows: Any) -> None:
    ingested = house.ingest_rows(small_rows)
    one, same, other = (house.windows(house.build(ingested, **SOME, seed=seed)) for seed in (0, 0, 1))
    assert one == same
    assert all(len(one[split]) == len(other[split]) for split in one)
    assert one["train"] != other["train"]


@pytest.mark.parametrize("ties", ["source", "hash"])
@pytest.mark.parametrize("seed", [0, 5])
def test_every_window_of_a_smaller_size_is_in_the_larger(house: Any, small_rows: Any, ties: str, seed: int) -> None:
    ingested = house.ingest_rows(small_rows)

    def identities(sizes: tuple[int, int, int]) -> dict[str, set[Any]]:
        names = ("train_windows", "validation_windows", "test_windows")
        asked = dict(zip(names, sizes, strict=True))
        built = house.build(ingested, **asked, ties=ties, seed=seed, unknown_targets="miss", allow_fewer=False)
        snapshot = open_snapshot(house.store.dataset(built.dataset_id))
        ends = {split: snapshot.arrays[f"{split}_ends"] for split in ("train", "validation", "test")}
        return {split: set(places.tolist()) for split, places in ends.items()}

    found = [identities(sizes) for sizes in ((20, 5, 5), (21, 5, 8), (200, 15, 9), (380, 20, 20))]
    for smaller, larger in pairwise(found):
        assert all(smaller[split] <= larger[split] for split in smaller)


def test_windows_of_a_smaller_size_keep_their_identity(house: Any, small_rows: Any) -> None:
    """By user, time, target and history, where the vocabulary is the same."""
    ingested = house.ingest_rows(small_rows)
    small, large = (house.windows(house.build(ingested, **{**SOME, "train_windows": n})) for n in (150, 300))
    assert set(small["train"]) <= set(large["train"])
    assert set(small["validation"]) == set(large["validation"])


@pytest.mark.parametrize("ties", ["source", "hash"])
def test_chunks_change_nothing(new_house: Any, small_rows: Any, monkeypatch: pytest.MonkeyPatch, ties: str) -> None:
    found = []
    for part in (1, 13, 100, 10**6):
        monkeypatch.setattr(user_slices, "__kwdefaults__", {"part": part})
        house = new_house()
        found.append(house.build(house.ingest_rows(small_rows), ties=ties, collapse_repeats=True).manifest["hashes"])
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize(
    ("arrange", "choice"),
    [(sorted, "hash"), (lambda basket: sorted(basket, reverse=True), "hash"), (lambda basket: basket, "source")],
)
def test_ties_are_judged_in_the_whole(house: Any, arrange: Any, choice: str) -> None:
    random = np.random.default_rng(0)
    rows = []
    for at in range(80):
        basket = [f"{item}" for item in random.choice(30, 4, replace=False)]
        rows += [(f"u{at % 9}", item, at) for item in arrange(basket)]
    built = house.build(house.ingest_rows(rows))
    assert built.manifest["ties"]["choice"] == choice
    assert built.manifest["ties"]["tied_pairs"] == 240
    assert built.manifest["gates"][-1]["evidence"] == built.manifest["ties"]["reason"]


def test_hashed_ties_do_not_know_the_rows_order(new_house: Any, small_rows: Any) -> None:
    tied = [(user, item, at // 3_000) for user, item, at in small_rows]
    found = []
    for rows in (tied, tied[::-1], sorted(tied)):
        house = new_house()
        found.append(house.windows(house.build(house.ingest_rows(rows), ties="hash")))
    assert found[0] == found[1] == found[2]


def test_the_manifest_says_how_it_came_about(house: Any, small_rows: Any) -> None:
    manifest = house.build(house.ingest_rows(small_rows)).manifest
    assert (manifest["source"], manifest["size"], manifest["time_kind"]) == ("custom", "250k", "order")
    assert manifest["counts"]["events_in_log"] == len(small_rows)
    assert manifest["counts"]["windows_in_log"] == len(small_rows) - 40 == sum(manifest["candidates"].values())
    moments = sorted(at for _, _, at in small_rows)
    assert manifest["cuts"] == {"t1": str(moments[432]), "t2": str(moments[456])}
    assert manifest["ingest"]["events"] == len(small_rows)
    assert all(gate["passed"] for gate in manifest["gates"])


# Bad logs


def log_of(
    user: str | None = None, item: str | None = None, at: int | None = None, users: int = 2, items: int = 3
) -> list[tuple[str, str, int]]:
    """Return 99 events that go round some users and items, or keep to one."""
    return [
        (user or f"u{place % users}", item or f"i{place % items}", place if at is None else at) for place in range(99)
    ]


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (log_of(user="u", item="i"), {}, "the log has 1 user.* the train windows show 1 item"),
        (log_of(item="i"), {}, r"built: at least two items .* the train windows show 1 item"),
        (log_of(user="u"), {}, r"built: at least two users .* the log has 1 user"),
        (log_of(users=99), {}, "none of the log's 99 events is left .*min_user_events=2"),
        (log_of(users=99), {"min_user_events": 1}, "train, validation, test has none"),
        (log_of(at=7), {}, "Times may be all equal"),
        (log_of(items=99), {}, "validation, test has none .*target never seen in train"),
        (log_of(), {"allow_fewer": False}, "train 87 of 1,000,000 asked"),
        (log_of(item="i"), {"collapse_repeats": True}, "train, validation, test has none"),
        ([("u", "i", 1), ("v", "j", 2)] * 2, {"split": Split(kind="leave_one_out")}, "train, .* test has none"),
        ([("u", "i", 1)], {"min_user_events": 1}, "nothing is between them"),
    ],
    ids=["one user and item", "one item", "one user", "no user twice", "all users once", "all at once", "no repeats",
         "too many asked", "collapsed", "four events", "one event"],
)  # fmt: skip
def test_bad_logs_are_refused_and_leave_nothing(house: Any, rows: Any, settings: Any, message: str) -> None:
    ingested = house.ingest_rows(rows)
    before = house.tree()
    with pytest.raises(WarehouseError, match=message):
        house.build(ingested, **settings)
    assert not list((house.store.root).glob("datasets/*"))
    assert {name: content for name, content in house.tree().items() if name in before} == before


def test_two_users_leave_one_out_where_times_are_all_equal(house: Any) -> None:
    rows = [("u", f"i{at % 2}", 7) for at in range(9)] + [("v", "i0", 7)] * 3
    built = house.build(house.ingest_rows(rows), split=Split(kind="leave_one_out"))
    assert built.manifest["counts"]["windows"] == {"train": 6, "validation": 2, "test": 2}
    assert built.manifest["cuts"] == {"t1": None, "t2": None}


def test_a_session_gap_needs_times(house: Any, small_rows: Any) -> None:
    with pytest.raises(WarehouseError, match="session_gap_minutes needs times"):
        house.build(house.ingest_rows(small_rows), session_gap_minutes=5)


# What changes underneath


def test_altered_events_are_refused_by_name(house: Any, small_rows: Any) -> None:
    ingested = house.ingest_rows(small_rows)
    folder = house.store.events("custom")
    path = folder / manifest_of(folder)["batches"][0]["batch"] / "events.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(WarehouseError, match=r"events\.parquet is missing or was altered; remove .* and ingest"):
        house.build(ingested)
    path.unlink()
    with pytest.raises(WarehouseError, match=r"events\.parquet is missing or was altered"):
        house.build(ingested)


def test_events_ingested_meanwhile_do_not_pass_for_those_asked_of(house: Any, small_rows: Any) -> None:
    """A dataset's id names the events it was asked of; another process may have ingested more since."""
    ingested = house.ingest_rows(small_rows)
    house.write("more.csv", "user,item,at\nu1,i1,5\n")
    newer = house.ingest("*.csv")
    with pytest.raises(WarehouseError, match=r"not those that were ingested for this dataset; ask again"):
        house.build(ingested)
    assert house.build(newer).manifest["counts"]["events_in_log"] == len(small_rows) + 1


def test_an_altered_dataset_is_not_served(house: Any, small_rows: Any) -> None:
    ingested = house.ingest_rows(small_rows)
    path = house.store.dataset(house.build(ingested).dataset_id) / "items.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(WarehouseError, match=r"items\.npy was altered"):
        house.build(ingested)


@pytest.mark.parametrize("place", ["extract", "write_arrays", "write_json", "publish"])
def test_a_full_disk_is_said_and_the_next_asking_works(
    house: Any, small_rows: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    ingested = house.ingest_rows(small_rows)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "items.npy")

    with monkeypatch.context() as patch:
        if place == "publish":
            patch.setattr("os.fsync", full)
        else:
            patch.setattr(module, place, full)
        with pytest.raises(WarehouseError, match="no space left on device; free space or choose another folder"):
            house.build(ingested)
    assert not list(house.store.root.glob("datasets/*"))
    assert house.build(ingested).reused is False
    assert not list((house.store.root / "work" / "scratch").iterdir())
