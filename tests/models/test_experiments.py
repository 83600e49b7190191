import pytest

from models.experiments import EXPERIMENTS, information, next_experiment
from models.hypotheses import HYPOTHESES, Evidence, supports


def between(*names):
    return supports([Evidence("", dict.fromkeys(names, 50.0))])


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("H1", "H5"), "quarters"), (("H1", "H4"), "recount"), (("H1", "H7"), "overlap"), (("H1", "H3"), "probe"),
     (("H1", "H6"), "logits"), (("H7", "H8"), "overlap")],
)  # fmt: skip
def test_the_experiment_parts_the_two(names, expected):
    assert next_experiment(between(*names), has_probe=False).name == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("H1", "H2"), "sgd"), (("H2", "H3"), "fixed order"), (("H1", "H3"), "fixed order"), (("H3", "H8"), "lower rate")],
)
def test_with_a_probe_another_is_named(names, expected):
    assert next_experiment(between(*names), has_probe=True).name == expected


def test_what_all_agree_on_tells_nothing():
    sure = dict.fromkeys(HYPOTHESES, 0.0) | {"H1": 1.0}
    assert all(information(sure, one) == pytest.approx(0, abs=1e-9) for one in EXPERIMENTS)
    assert information(between("H1", "H5"), EXPERIMENTS[0]) > 0.2


def test_every_hypothesis_has_an_experiment():
    assert set().union(*(one.yes_under for one in EXPERIMENTS)) == set(HYPOTHESES)


def test_what_was_done_is_not_asked_for_again():
    support = between("H1", "H5")
    assert next_experiment(support, has_probe=True, done=frozenset({"quarters"})).name != "quarters"
    everything = frozenset(one.name for one in EXPERIMENTS)
    assert next_experiment(support, has_probe=False, done=everything) is None
