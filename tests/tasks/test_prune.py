"""What prune says, dry and applied."""

from pathlib import Path

from tasks.dataset import build_dataset
from tasks.ingest import ingest
from tasks.prune import Pruned, Removable, prune
from tests.tasks.conftest import TINY
from tests.warehouse.test_pruning import aged, dataset, run
from warehouse.policies import Keep
from warehouse.store import Store


def test_it_is_shown_first_and_removed_when_asked(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run(store, "old", "d")
    run(store, "new", "d", 86_400 * 5)
    dataset(store, "d")
    keep = Keep(newest=1, best=0)
    shown = prune(keep, False, str(store.root))
    assert [one.name for one in shown.items] == ["old"]
    assert store.run("old").is_dir()
    done = prune(keep, True, str(store.root))
    assert (done.items, done.applied) == (shown.items, True)
    assert not store.run("old").exists()
    assert prune(keep, True, str(store.root)).items == ()


def test_a_dataset_that_a_night_found_in_the_store_is_young_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")

    def built() -> str:
        ingested = ingest(TINY.source, TINY.extraction, str(store.root))
        return build_dataset(ingested, "250k", TINY.dataset, TINY.extraction, str(store.root)).dataset_id

    folder = store.dataset(built())
    aged(folder)
    assert [one.kind for one in prune(Keep(), False, str(store.root)).items] == ["datasets"]
    built()
    assert prune(Keep(), True, str(store.root)).items == ()
    assert folder.is_dir()


def test_lines_for_people() -> None:
    one = Removable(kind="runs", name="r", bytes=2_500_000, why="old")
    shown = str(Pruned(store="/s", applied=False, items=(one,), bytes=2_500_000))
    assert shown.splitlines() == [
        "would remove 1 of /s, 2.5 MB",
        "  runs      r                               2.5 MB  old",
        "nothing was removed: --apply true does it",
    ]
    assert str(Pruned(store="/s", applied=True, items=(), bytes=0)) == "removed 0 of /s, 0.0 MB"
