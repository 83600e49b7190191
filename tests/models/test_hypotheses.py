import pytest

from models.hypotheses import HYPOTHESES, NAMES, Evidence, leading, not_separated, supports


def test_without_evidence_all_are_alike_and_none_leads():
    support = supports([])
    assert list(support.values()) == pytest.approx([1 / 9] * 8)  # eight, and causes not listed
    assert leading(support) is None
    assert set(not_separated(support)) == set(HYPOTHESES)
    assert set(NAMES) == set(HYPOTHESES)


def test_evidence_multiplies():
    support = supports([Evidence("a", {"H1": 4}), Evidence("b", {"H1": 5, "H2": 0.5})])
    assert support["H1"] == pytest.approx(20 / 27.5)
    assert support["H2"] == pytest.approx(0.5 / 27.5)


def test_a_leader_needs_half_and_distance():
    assert leading(supports([Evidence("", {"H3": 10})])) == "H3"
    assert leading(supports([Evidence("", {"H3": 6})])) is None  # 6 of 14
    assert leading(supports([Evidence("", {"H3": 40, "H4": 10})])) is None  # only four times as probable
    assert not_separated(supports([Evidence("", {"H3": 40, "H4": 10})])) == ("H3", "H4")
    assert not_separated(supports([Evidence("", {"H3": 10})])) == ()


def test_what_is_proven_explains_first():
    pattern = [Evidence("a", {"H1": 10, "H7": 0.1}), Evidence("b", {"H1": 10, "H7": 0.2})]
    assert leading(supports(pattern)) == "H1"
    counted = Evidence("c", {"H7": 10}, proves="H7")
    assert leading(supports([*pattern, counted])) == "H7"
    both = supports([*pattern, counted, Evidence("d", {"H5": 10}, proves="H5")])
    assert leading(both) is None
    assert not_separated(both) == ("H5", "H7")
