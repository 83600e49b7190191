"""The average of weights by hand."""

import pytest
import torch

from models.averaging import WeightAverage
from models.config import Model
from models.gru import build_model


@pytest.mark.parametrize("decay", [0.3, 0.999])
def test_the_average_equals_one_by_hand_and_leaves_the_model(decay: float) -> None:
    model = build_model(Model(embedding_dim=4, hidden_dim=6), 9, seed=0)
    average = WeightAverage(model, decay)
    expected = model.output.linear.bias.detach().clone()
    for update in range(1, 8):
        with torch.no_grad():
            model.output.linear.bias += update
        bias = model.output.linear.bias.detach().clone()
        average.follow(model, update)
        kept = min(decay, (1 + update) / (10 + update))
        expected = kept * expected + (1 - kept) * bias
        torch.testing.assert_close(average.model.output.linear.bias, expected)
        assert torch.equal(model.output.linear.bias, bias)
    assert torch.equal(average.model.embedding.weight, model.embedding.weight)
    assert not any(parameter.requires_grad for parameter in average.model.parameters())
