from warehouse.verdict_parts import for_page


def test_evidence_weighs_as_far_as_its_odds_are_from_even():
    pieces = [{"statement": name, "ratio": ratio} for name, ratio in [("for", 4.0), ("against", 0.25), ("never", 0.0)]]
    said = for_page({"leading": None, "hypotheses": [{"id": "H1", "evidence": pieces}]})
    weights = {piece["statement"]: piece["weight"] for piece in said["hypotheses"][0]["evidence"]}
    assert weights["for"] == weights["against"] > 0
    assert weights["never"] == float("inf")
    assert said["leading"] is None


def test_what_says_nothing_of_a_hypothesis_is_left_out():
    said = for_page({"hypotheses": [{"id": "H1", "evidence": [{"statement": "even", "ratio": 1.0}]}]})
    assert said["hypotheses"][0]["evidence"] == []
