"""The model against its equations."""

import pytest
import torch
from torch import Tensor

from models.config import Model
from models.gru import NextItemGRU, build_model

CONFIGS = [
    Model(embedding_dim=6, hidden_dim=8),
    Model(embedding_dim=6, hidden_dim=8, output="tied", layer_norm=True),
    Model(embedding_dim=8, hidden_dim=8, output="tied", output_bias=False),
    Model(embedding_dim=6, hidden_dim=8, output_bias=False),
]


def gru_by_hand(model: NextItemGRU, items: list[int]) -> Tensor:
    """Follow the equations of Cho et al. (2014) as torch documents them, one item at a time."""
    weight = dict(model.gru.named_parameters())
    state = torch.zeros(model.config.hidden_dim)
    for item in items:
        x = model.embedding.weight[item]
        from_x = (weight["weight_ih_l0"] @ x + weight["bias_ih_l0"]).chunk(3)
        from_h = (weight["weight_hh_l0"] @ state + weight["bias_hh_l0"]).chunk(3)
        reset, update = torch.sigmoid(from_x[0] + from_h[0]), torch.sigmoid(from_x[1] + from_h[1])
        new = torch.tanh(from_x[2] + reset * from_h[2])
        state = (1 - update) * new + update * state
    return state


@pytest.mark.parametrize("config", CONFIGS)
def test_scores_equal_a_gru_by_hand_whatever_follows_the_history(config: Model) -> None:
    model = build_model(config, 12, seed=1).eval()
    history_BL = torch.tensor([[3, 0, 7, 0, 0], [1, 0, 0, 0, 0], [1, 9, 9, 9, 9]])
    logits_BV = model(history_BL, torch.tensor([3, 1, 1]))
    assert logits_BV.shape == (3, 12)
    for row, items in enumerate(([3, 0, 7], [1], [1])):
        state_1H = model.layer_norm(gru_by_hand(model, items)).unsqueeze(0)
        torch.testing.assert_close(logits_BV[row], model.output(state_1H, model.embedding.weight)[0])
    torch.testing.assert_close(logits_BV[1], logits_BV[2])


def test_tied_scores_are_products_with_the_item_embedding() -> None:
    model = build_model(CONFIGS[2], 12, seed=1).eval()
    history_BL, length_B = torch.tensor([[4, 5]]), torch.tensor([2])
    expected_BV = model.states(history_BL, length_B) @ model.embedding.weight[1:].T
    torch.testing.assert_close(model(history_BL, length_B), expected_BV)
    assert sum(p.numel() for n, p in model.named_parameters() if n.startswith("output")) == 0


def test_an_unknown_item_feeds_zeros_and_learns_nothing() -> None:
    model = build_model(CONFIGS[2], 12, seed=1)
    model(torch.tensor([[0, 3]]), torch.tensor([2])).square().sum().backward()
    assert model.embedding.weight[0].eq(0).all()
    assert model.embedding.weight.grad is not None
    assert model.embedding.weight.grad[0].eq(0).all()
    assert model.embedding.weight.grad[1].ne(0).any()


def test_initial_weights_depend_on_the_seed_alone_and_not_the_callers_state() -> None:
    before = torch.get_rng_state()
    first = build_model(CONFIGS[0], 12, seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    again, other = (build_model(CONFIGS[0], 12, seed).state_dict() for seed in (3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["gru.weight_hh_l0"], other["gru.weight_hh_l0"])


def test_dropout_changes_training_only() -> None:
    model = build_model(Model(embedding_dim=6, hidden_dim=8, dropout=0.5), 12, seed=1)
    arguments = torch.tensor([[4, 5]]), torch.tensor([2])
    assert not torch.equal(model(*arguments), model(*arguments))
    model.eval()
    assert torch.equal(model(*arguments), model(*arguments))
