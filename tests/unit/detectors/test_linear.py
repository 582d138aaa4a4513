"""Products of rounded factors."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from can_train.detectors.linear import Linear, linear, rounded_products


@pytest.fixture
def layer() -> Linear:
    torch.manual_seed(0)
    return Linear(200, 90)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(300, 200, generator=torch.Generator().manual_seed(1), requires_grad=True)


def test_it_is_torchs_where_nothing_is_rounded(layer: Linear, x: Tensor) -> None:
    expected = torch.nn.functional.linear(x, layer.weight, layer.bias)
    assert torch.equal(layer(x), expected)
    with rounded_products(rounded=False):
        assert torch.equal(layer(x), expected)


def test_factors_are_rounded_sums_are_not(layer: Linear, x: Tensor) -> None:
    with rounded_products():
        found = layer(x)
    rounded = x.bfloat16().double() @ layer.weight.bfloat16().double().t()
    assert found.dtype == torch.float32
    exact = x.double() @ layer.weight.double().t() + layer.bias
    nearest = rounded + layer.bias
    off = (found - nearest).abs().max() / nearest.abs().max()  # the product itself is one bfloat16
    assert off < 2**-8
    assert 1e-3 < (found - exact).abs().max() < 0.1


def test_gradients_are_those_of_the_rounded_factors(layer: Linear, x: Tensor) -> None:
    pull = torch.randn(300, 90, generator=torch.Generator().manual_seed(2))
    exact = torch.autograd.grad(layer(x), (x, layer.weight, layer.bias), pull)
    with rounded_products():
        product = layer(x)
    found = torch.autograd.grad(product, (x, layer.weight, layer.bias), pull)  # outside, as well
    for one, other in zip(found[:2], exact[:2], strict=True):
        assert one.dtype == torch.float32
        assert 0 < (one - other).abs().max() < 0.02 * other.abs().max()
    assert torch.equal(found[2], exact[2])


def test_a_product_without_a_bias_and_without_gradients(layer: Linear, x: Tensor) -> None:
    with torch.no_grad(), rounded_products():
        assert torch.equal(linear(x, layer.weight) + layer.bias, layer(x))
