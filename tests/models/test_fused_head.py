"""Losses, ranks and gradients of the fused output layer against those of the whole matrix of scores."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

import models.frozen_head as frozen_head
import models.fused_head as fused_head
from models.crew import Crew, crew_of
from models.frozen_head import frozen_losses_and_ranks
from models.fused_head import HeadWork, losses_and_ranks
from models.metrics import Ties, target_losses, target_ranks
from models.products import Float32Products
from models.scratch import Scratch


def work_of(crew: Crew) -> HeadWork:
    return HeadWork(crew, tuple(Scratch() for _ in range(crew.size)), Float32Products())


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_head, "BLOCK_SCORES", 64)
    monkeypatch.setattr(frozen_head, "BLOCK_SCORES", 64)


@settings(max_examples=40, deadline=None)
@given(
    n_rows=st.integers(1, 7), n_items=st.integers(1, 60), size=st.sampled_from([1, 2, 3]), biased=st.booleans(),
    ties=st.sampled_from(["expected", "optimistic", "pessimistic"]), seed=st.integers(0, 99),
    spread=st.sampled_from([0.1, 9.0]),
)  # fmt: skip
def test_losses_ranks_and_gradients_are_those_of_all_scores(
    n_rows: int, n_items: int, size: int, biased: bool, ties: Ties, seed: int, spread: float
) -> None:
    torch.manual_seed(seed)
    states, weights = torch.randn(n_rows, 5, requires_grad=True), (spread * torch.randn(n_items, 5)).requires_grad_()
    bias = torch.randn(n_items, requires_grad=True) if biased else None
    targets, back = torch.randint(0, n_items + 1, (n_rows,)), torch.rand(n_rows)
    scores = functional.linear(states, weights, bias)
    expected = target_losses(scores, targets)
    wanted = (states, weights) if bias is None else (states, weights, bias)
    exact = torch.autograd.grad(expected, wanted, back)
    with crew_of(size) as crew:
        work = work_of(crew)
        for _ in range(2):
            losses, ranks = losses_and_ranks(states, weights, bias, targets, ties, work)
            torch.testing.assert_close(losses, expected, rtol=1e-5, atol=1e-5)
            assert torch.equal(ranks, target_ranks(scores.detach(), targets, ties))
            for own, other in zip(torch.autograd.grad(losses, wanted, back), exact, strict=True):
                torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)
    frozen = frozen_losses_and_ranks(states.detach(), weights.detach(), bias, targets, ties, Scratch())
    torch.testing.assert_close(frozen[0], expected.detach(), rtol=1e-5, atol=1e-5)
    assert torch.equal(frozen[1], ranks)


@pytest.mark.parametrize("n_items", [9, 999])  # few, and more than are kept apart
def test_items_of_one_score_share_a_rank(n_items: int) -> None:
    states, weights, targets = torch.ones(3, 4), torch.zeros(n_items, 4), torch.tensor([1, 5, 0])
    for ties, rank in (("expected", (n_items + 1) / 2), ("optimistic", 1.0), ("pessimistic", float(n_items))):
        _, ranks, _ = frozen_losses_and_ranks(states, weights, None, targets, ties, Scratch())
        assert ranks.tolist() == [rank, rank, torch.inf]


@pytest.mark.parametrize("n_twins", [1, 5, 200])
def test_ranks_are_exact_where_the_targets_score_is_summed_in_another_order(n_twins: int) -> None:
    """Large numbers that cancel: a score computed apart differs in its last bits from the product's; twins do not."""
    torch.manual_seed(0)
    states, weights = 100 * torch.randn(16, 128), torch.randn(800, 128)
    weights[:, 64:] = -weights[:, :64] + 1e-3 * torch.randn(800, 64)
    states[:, 64:] = states[:, :64]
    weights[400 : 400 + n_twins] = weights[0]
    targets = torch.cat([torch.ones(8, dtype=torch.int64), torch.arange(401, 409)])
    blocks = [states @ weights[start : start + 4].T for start in range(0, 800, 4)]  # as they are made, 64 scores each
    scores = torch.cat(blocks, 1)
    for ties in ("expected", "optimistic", "pessimistic"):
        _, ranks, _ = frozen_losses_and_ranks(states, weights, None, targets, ties, Scratch())
        assert torch.equal(ranks, target_ranks(scores, targets, ties))


@pytest.mark.parametrize("k", [1, 10, 128, 129, 300])
def test_the_best_columns_are_those_of_all_scores(k: int) -> None:
    torch.manual_seed(0)
    states, weights = torch.randn(4, 8), torch.randn(300, 8)
    *_, columns = frozen_losses_and_ranks(
        states, weights, None, torch.ones(4, dtype=torch.int64), "expected", Scratch(), k
    )
    assert torch.equal(columns, (states @ weights.T).topk(k).indices)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("item", [0, 30, 59])
def test_a_score_that_is_not_finite_is_not_a_loss(bad: float, item: int) -> None:
    states, weights, targets = torch.ones(3, 4), torch.zeros(60, 4), torch.tensor([7, 31, 0])
    weights[item] = bad
    frozen, *_ = frozen_losses_and_ranks(states, weights, None, targets, "expected", Scratch())
    assert not frozen.isfinite().any()  # of an unknown target neither: its window's scores are broken as well
    with crew_of(2) as crew:
        losses, _ = losses_and_ranks(states, weights, None, targets, "expected", work_of(crew))
    assert not losses[:2].isfinite().any()


def test_scores_far_apart_do_not_overflow() -> None:
    states, weights = torch.tensor([[1.0], [-1.0]]), torch.tensor([[300.0], [-300.0], [0.0]])
    losses, *_ = frozen_losses_and_ranks(states, weights, None, torch.tensor([1, 1]), "expected", Scratch())
    torch.testing.assert_close(losses, torch.tensor([0.0, 600.0]))
