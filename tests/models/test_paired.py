import numpy as np
import pytest

from models.errors import ModelError
from models.paired import hits, paired_difference

TRUE = 0.03


def runs(rng, n_seeds, *, of_user=0.1, of_seed=0.02, of_both=0.1, of_window=0.5, n_users=120):
    """Two runs whose difference has a user's, a seed's, their common and a window's part."""
    users = np.repeat(np.arange(n_users), rng.integers(1, 8, n_users))
    difference = TRUE + of_user * rng.standard_normal(n_users)[users] + of_seed * rng.standard_normal((n_seeds, 1))
    difference = difference + of_both * rng.standard_normal((n_seeds, n_users))[:, users]
    difference += of_window * rng.standard_normal((n_seeds, len(users)))
    base = rng.standard_normal((n_seeds, len(users)))
    return base + difference, base, users


@pytest.mark.parametrize(
    ("n_seeds", "of_seed", "of_user"), [(1, 0.0, 0.1), (1, 0.0, 0.6), (3, 0.02, 0.1), (3, 0.1, 0.1), (5, 0.05, 0.3)]
)
def test_the_interval_covers_the_truth(n_seeds, of_seed, of_user):
    rng = np.random.default_rng(n_seeds)
    found = [
        paired_difference(*runs(rng, n_seeds, of_seed=of_seed, of_user=of_user)) for _ in range(300)
    ]  # fmt: skip
    means = np.array([one.difference for one in found])
    assert abs(means.mean() - TRUE) < 3.5 * means.std() / np.sqrt(len(means))
    covered = np.mean([one.low <= TRUE <= one.high for one in found])
    assert 0.905 <= covered <= 0.99


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_the_bootstrap_covers_the_truth(n_seeds):
    rng = np.random.default_rng(n_seeds)
    found = [
        paired_difference(*runs(rng, n_seeds, of_seed=0.0), method="bootstrap", n_resamples=200) for _ in range(60)
    ]
    assert np.mean([one.low <= TRUE <= one.high for one in found]) > 0.86


def test_pairing_is_what_makes_it_tight():
    rng = np.random.default_rng(0)
    first, second, users = runs(rng, 1, of_window=0.01, of_user=0.01)
    paired = paired_difference(first, second, users)
    shuffled = paired_difference(first, rng.permutation(second.T).T, users)
    assert paired.high - paired.low < 0.2 * (shuffled.high - shuffled.low)


def test_users_are_the_unit_not_windows():
    value = np.random.default_rng(0).standard_normal(50)
    once = paired_difference(value, np.zeros(50), np.arange(50))
    tenfold = paired_difference(np.repeat(value, 10), np.zeros(500), np.repeat(np.arange(50), 10))
    assert tenfold.low == pytest.approx(once.low)
    assert (tenfold.n_windows, tenfold.n_users, tenfold.n_seeds) == (500, 50, 1)


def test_a_hand_worked_interval():
    found = paired_difference([1.0, 1, 0, 0], [0.0, 0, 0, 0], ["a", "b", "c", "d"])
    half = 3.1824 * np.sqrt(1 / 3 / 4)  # t of 3, standard deviation sqrt(1/3)
    assert (found.difference, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), rel=1e-4)


def test_the_bootstrap_is_seeded():
    data = runs(np.random.default_rng(0), 3)
    first, again, other = (paired_difference(*data, method="bootstrap", seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_ranks_become_hits():
    assert hits([1, 10, 11, np.inf], 10).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("first", "second", "users", "said"),
    [
        ([1.0, 2.0], [1.0], [1, 2], "same windows and seeds"),
        ([1.0, 2.0], [1.0, 2.0], [1], "1 have a user"),
        ([1.0, 2.0], [1.0, 2.0], [1, 1], "at least two users"),
        ([np.inf, 2.0], [1.0, 2.0], [1, 2], "compare hits rather than ranks"),
    ],
)
def test_what_cannot_be_compared_is_said(first, second, users, said):
    with pytest.raises(ModelError, match=said):
        paired_difference(first, second, users)
