"""Products in float32 and rounded to bfloat16."""

import pytest
import torch

from models.products import Bfloat16Products, Float32Products, Products


@pytest.mark.parametrize(("products", "error"), [(Float32Products(), 1e-6), (Bfloat16Products(), 2e-2)])
def test_products_are_as_exact_as_they_say(products: Products, error: float) -> None:
    torch.manual_seed(0)
    left, right = torch.randn(7, 64), torch.randn(5, 64)
    exact = left.double() @ right.T.double()
    out = torch.empty(7, 5)
    products.into(out, products.ready(left), right.T)
    assert out.dtype == torch.float32
    largest = float((out - exact).abs().max() / exact.abs().max())
    assert error / 1e4 < largest < error
    products.onto(out, left, products.ready(right).T)
    torch.testing.assert_close(out.double(), 2 * exact, rtol=2 * error, atol=2 * error * float(exact.abs().max()))
