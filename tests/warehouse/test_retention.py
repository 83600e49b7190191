"""Which runs stay, by tables worked by hand."""

import pytest

from warehouse.champions import Entry, Standing
from warehouse.policies import Keep
from warehouse.retention import SECONDS_A_DAY, StoredRun, kept_runs, protected_champions

NOW_S = 100 * SECONDS_A_DAY


def run(name: str, age_days: float, test_hr: float | None = 0.1, source: str = "shop", size: str = "250k") -> StoredRun:
    return StoredRun(name, "d", source, size, test_hr, NOW_S - age_days * SECONDS_A_DAY)


RUNS = [
    run("a", 50, 0.9), run("b", 40, 0.2), run("c", 30, 0.9), run("d", 20, None), run("e", 10, 0.3), run("f", 5, 0.1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("newest", "best", "days", "protected", "kept"),
    [
        (1, 0, 0, "", "f"),
        (2, 0, 0, "", "ef"),
        (9, 0, 0, "", "abcdef"),
        (1, 1, 0, "", "cf"),  # of equals the newest
        (1, 2, 0, "", "acf"),
        (1, 9, 0, "", "abcef"),  # not scored, not best
        (1, 0, 20, "", "def"),  # exactly as old stays
        (1, 0, 0, "bx", "bf"),
    ],
)
def test_newest_best_young_and_protected_stay(newest, best, days, protected, kept):
    policy = Keep(newest=newest, best=best, days=days)
    assert "".join(sorted(kept_runs(RUNS, policy, protected, NOW_S))) == kept


def test_sources_and_sizes_are_counted_apart():
    runs = [run("a", 5), run("b", 6), run("c", 7, source="other"), run("d", 8, size="1m")]
    assert kept_runs(runs, Keep(newest=1, best=0, days=0), (), NOW_S) == {"a", "c", "d"}


def test_a_run_from_the_future_is_young():
    runs = [run("a", -3), run("b", -2)]
    assert kept_runs(runs, Keep(newest=1, best=0, days=0), (), NOW_S) == {"a", "b"}


@pytest.mark.parametrize(("champions", "kept"), [(0, "d"), (1, "cd"), (3, "abcd"), (9, "abcd")])
def test_the_champion_and_so_many_before_it_are_protected(champions, kept):
    standing = Standing(source="shop", size="250k")
    for name in "abcd":
        entry = Entry(at="", action="promoted", run_id=name, champion=name, dataset_id="d", metric="hr@10",
                      test_hr=0.1, reason="")  # fmt: skip
        standing = standing.with_entry(entry)
    assert "".join(sorted(protected_champions(standing, Keep(champions=champions)))) == kept
    assert protected_champions(Standing(source="shop", size="1m"), Keep(champions=champions)) == set()
