"""What is shown of champions."""

from tasks.champions import Champions, headline, history_page
from warehouse.champions import Entry, Standing


def entry(action: str, run_id: str, champion: str | None, test_hr: float | None) -> Entry:
    return Entry(at=f"2026-11-2{len(run_id)}", action=action, run_id=run_id, champion=champion, dataset_id="d",
                 metric="hr@10", test_hr=test_hr, reason="because\nof that")  # fmt: skip


HISTORY = (entry("promoted", "a", "a", 0.3), entry("kept out", "bb", "a", None))
STANDING = Standing(source="shop", size="250k", run_id="a", history=HISTORY)


def test_the_champion_comes_first_then_the_newest_decision():
    assert str(Champions(store="/s", standings=(STANDING,))).splitlines() == [
        "champion of shop, 250k: run a, hr@10 on test 0.3000, since 2026-11-21",
        "  2026-11-22  kept out     bb  none    because of that",
        "  2026-11-21  promoted     a  0.3000  because of that",
    ]


def test_without_any_it_says_what_makes_one():
    assert str(Champions(store="/s", standings=())) == "no champion in /s yet; the nightly flow makes one"
    only_kept_out = Standing(source="shop", size="1m", history=(entry("kept out", "bb", None, None),))
    assert headline(only_kept_out) == "champion of shop, 1m: none"


def test_the_page_holds_the_newest():
    page = history_page(STANDING, newest=1)
    assert "| 2026-11-22 | kept out    | bb | none   | because of that |" in page
    assert "2026-11-21 |" not in page
