"""The rules of promotion, by tables worked by hand."""

import pytest

from models.paired import PairedDifference, hits, paired_difference
from models.promotion import decide, dropped, unfit


@pytest.mark.parametrize(
    ("low", "difference", "high", "promoted"),
    [
        (0.01, 0.02, 0.03, True),  # better
        (-0.01, 0.01, 0.03, True),  # perhaps better
        (-0.02, 0.0, 0.02, True),  # no telling
        (-0.03, -0.01, 0.01, True),  # perhaps worse, but not shown to be
        (-0.02, -0.01, 0.0, True),  # the interval still holds 0
        (-0.02, -0.01, -0.0001, False),  # worse
    ],
)
def test_a_run_is_promoted_unless_the_whole_interval_is_below_zero(low, difference, high, promoted):
    decision = decide(PairedDifference(difference, low, high, 10_000, 3_000, 1), "hr@10")
    assert decision.promoted is promoted
    assert (decision.difference, decision.low, decision.high) == (difference, low, high)
    assert decision.reason.startswith("it is not worse than" if promoted else "it is worse than")
    assert f"hr@10 differs by {difference:+.4f} (95 % interval {low:+.4f} to {high:+.4f}; 10,000 windows" in (
        decision.reason
    )


def test_a_decision_from_ranks():
    """Twenty users of a window each, ten of whom only one of the two hits: -0.5 with half a width of 2.09 x 0.115."""
    new, old = hits([1] * 20, 10), hits([1] * 10 + [99] * 10, 10)
    users = range(20)
    assert decide(paired_difference(new, old, users), "hr@10").promoted
    worse = decide(paired_difference(old, new, users), "hr@10")
    assert not worse.promoted
    assert (worse.difference, worse.low) == (-0.5, pytest.approx(-0.5 - 2.093 * 0.1147, abs=1e-3))
    assert decide(paired_difference(old, old, users), "hr@10").promoted  # of equals the newer


@pytest.mark.parametrize(
    ("status", "leading", "test_hr", "why"),
    [
        ("finished", None, 0.3, None),
        ("finished", "H1", 0.0, None),
        ("diverged", None, 0.3, "its training diverged"),
        ("diverged", "H3", None, "its training diverged"),
        ("finished", "H3", 0.3, "its verdict is H3, learning rate too high"),
        ("finished", "H1", None, "could not be scored"),
    ],
)
def test_what_makes_a_run_unfit(status, leading, test_hr, why):
    said = unfit(status, leading, test_hr)
    assert said is None if why is None else why in said


@pytest.mark.parametrize(
    ("test_hr", "earlier", "nights", "median"),
    [
        (0.30, [], 7, None),  # the first night
        (None, [0.3], 7, None),  # not scored
        (0.30, [0.30, 0.31, 0.29], 7, None),
        (0.271, [0.30], 7, None),  # 9.7 % below
        (0.269, [0.30], 7, 0.30),  # 10.3 % below
        (0.26, [0.10, 0.30, 0.30, 0.32], 3, 0.30),  # the first no longer counts
        (0.26, [0.10, 0.10, 0.10, 0.30, 0.30], 5, None),  # a median of 0.10
        (0.0, [0.0, 0.0], 7, None),  # nothing to fall from
    ],
)
def test_a_drop_is_held_against_the_median_of_the_last_nights(test_hr, earlier, nights, median):
    drop = dropped(test_hr, earlier, nights, max_drop=0.1)
    assert (drop and drop.median_hr) == median
    if drop:
        assert drop.nights == min(nights, len(earlier))
        assert drop.share == pytest.approx(1 - test_hr / median)
