"""Products of rounded factors."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from can_train.detectors.linear import (
    Linear,
    factor,
    linear,
    product,
    product_of_columns,
    rounded_products,
    rounded_up,
)


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


def test_rows_are_rounded_up_by_at_most_a_sixteenth_to_few_numbers() -> None:
    for rows in range(5000):
        assert rows <= rounded_up(rows) <= rows + rows // 16
        assert rounded_up(rounded_up(rows)) == rounded_up(rows)
    assert len({rounded_up(rows) for rows in range(1500, 1900)}) == 7
    assert rounded_up(1025) == 1088


@pytest.mark.parametrize("rows", [0, 1, 33, 1025])
def test_zeros_behind_a_factor_add_nothing(rows: int) -> None:
    draw = torch.Generator().manual_seed(rows)
    one, other = torch.randn(rows, 40, generator=draw), torch.randn(rows, 7, generator=draw)
    weight = torch.randn(40, 9, generator=draw)
    padded, beside = factor(one, True), factor(other, True)
    assert len(padded) == len(beside) == rounded_up(rows)
    found = product(padded, weight, rows), product_of_columns(padded, beside)
    exact = (
        one.bfloat16().double() @ weight.bfloat16().double(),
        one.bfloat16().double().t() @ other.bfloat16().double(),
    )
    for mine, theirs in zip(found, exact, strict=True):
        assert mine.shape == theirs.shape
        assert mine.dtype == torch.float32
        torch.testing.assert_close(mine.double(), theirs, rtol=2**-8, atol=2e-3)


def test_unrounded_factors_are_left_as_they_are(x: Tensor) -> None:
    weight = torch.randn(200, 9, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        assert factor(x, False) is x
        assert torch.equal(product(x, weight, len(x)), x @ weight)
        assert torch.equal(product_of_columns(x, x), x.t() @ x)
