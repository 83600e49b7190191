"""A study's page answers, escapes, links to its runs, loads nothing, and survives what is missing."""

import re
from typing import Any

import polars as pl
import pytest

from tests.warehouse import study_cases as cases
from warehouse.study_report import render_study, titles_of

PNG = b"\x89PNG"


def rendered(kind: str = "diagnose", **changes: Any) -> tuple[str, dict[str, bytes]]:
    pieces = {"verdict": cases.verdict(), "points": cases.points(), "quarters": cases.quarters(), **changes}
    page, figures = render_study(facts=cases.facts(kind), **pieces)
    return re.sub(r"<script>/\*\*.*?</script>", "", page, count=1, flags=re.DOTALL), figures


def text_of(page: str) -> str:
    words = re.sub(r"<[^>]*>", " ", page.partition("</style>")[2]).split()
    return " ".join(words).replace("\N{MINUS SIGN}", "-")


@pytest.fixture(scope="module")
def page() -> str:
    return rendered()[0]


def test_the_answer_leads_the_page(page: str) -> None:
    text = text_of(page)
    assert "H1, re-exposure" in text
    assert "Is it an issue? no" in text
    for said in ("Falls at each boundary.", "Dips a little.", "Read the probe.", "None is needed."):
        assert said in text
    assert text.index("H1, re-exposure") < text.index("The curves of the base")


def test_hypotheses_have_their_support_and_the_strongest_evidence_first(page: str) -> None:
    assert 'style="width: 83.0%"' in page
    assert text_of(page).index("gone with") < text_of(page).index("the probe is smooth")
    assert "\N{MULTIPLICATION SIGN} 0.5" in page


def test_what_is_given_is_escaped(page: str) -> None:
    assert "gone with &lt;one&gt; order" in page
    assert "shop &lt;b&gt;" in page


def test_every_arm_is_a_row_with_intervals_and_links_to_its_runs(page: str) -> None:
    table = page[page.index('<section id="arms">') :]
    for run in ("base-0", "base-1", "fixed-order-0", "lr-0.01-0"):
        assert f'href="../../runs/{run}/report.html"' in table
    text = text_of("</style>" + table)
    assert "-0.3000 -0.3100 to -0.2900" in text
    assert "+0.0020 -0.0020 to +0.0060 yes cannot tell" in text
    assert "lr-0.01 diverged" in text


def test_the_page_says_how_to_ask_again(page: str) -> None:
    assert "<pre>python -m flows diagnose --size 250k</pre>" in page
    assert "python -m flows nightly --training.seed 1" in page


def test_the_page_loads_nothing(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_a_diagnosis_has_its_figures_and_pngs() -> None:
    page, pngs = rendered()
    assert set(re.findall(r'id="figure-(\w+)"', page)) == {"curves", "beside", "arms", "quarters"}
    assert {name: png[:4] for name, png in pngs.items()} == {"curves": PNG, "beside": PNG, "arms": PNG}


def test_the_page_says_how_much_of_the_jump_the_probe_predicts(page: str) -> None:
    assert re.search(r"the probe so predicts: .{0,40}1\.02", page, re.DOTALL)


def test_a_sweep_has_curves_by_rate_too() -> None:
    page, pngs = rendered("sweep")
    assert set(re.findall(r'id="figure-(\w+)"', page)) == {"curves", "beside", "arms", "quarters"}
    assert pngs["arms"] != rendered()[1]["arms"]


def test_beside_the_base_are_all_rates_of_a_sweep_in_order_and_the_orders_and_rates_of_a_diagnosis() -> None:
    arms = [{"name": name, "kind": kind} for name, kind in (("a", "base"), ("b", "remedy"), ("c", "order"))]
    rates = {"a": 0.003, "b": 0.001, "c": 0.01}
    assert titles_of(arms, rates, is_sweep=True) == {"b": "rate 0.001", "a": "rate 0.003", "c": "rate 0.01"}
    assert titles_of(arms, rates, is_sweep=False) == {"a": "a", "c": "c"}


def test_a_study_of_runs_that_all_diverged_early_has_a_page() -> None:
    said = cases.verdict()
    nothing = [{**said["arms"][2], "name": arm["name"], "kind": arm["kind"]} for arm in said["arms"]]
    said |= {"arms": nothing, "leading": None, "suggested_clip": None}
    page, pngs = rendered(verdict=said, quarters=pl.DataFrame(schema=cases.quarters().schema))
    assert set(re.findall(r'id="figure-(\w+)"', page)) == {"curves", "beside"}
    assert set(pngs) == {"curves", "beside"}
    assert "Nine in ten" not in page
