"""The compiled sample of a latent is the plain one, with every gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from can_train.detectors.linear import Linear, rounded_products
from can_train.detectors.vgae.sampling import sample

LIMIT = 1.0
Sampled = tuple[Tensor, Tensor, Tensor]


def plain(hidden: Tensor, mean: Linear, log_variance: Linear, noise: Tensor) -> Sampled:
    mu, logvar = mean(hidden), log_variance(hidden).clamp(-LIMIT, LIMIT)
    return mu, logvar, mu + torch.exp(0.5 * logvar) * noise


@pytest.mark.parametrize("used", [(0,), (1,), (2,), (0, 1, 2)])
def test_it_equals_torchs_own_operations_with_every_gradient(used: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    one_head, other_head = Linear(6, 3).double(), Linear(6, 3).double()
    hidden = (2.0 * torch.randn(40, 6)).double().requires_grad_()
    noise = torch.randn(40, 3).double()
    found = sample(hidden, one_head, other_head, noise, LIMIT)
    expected = plain(hidden, one_head, other_head, noise)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    clamped = (expected[1].abs() == LIMIT).double().mean()
    assert 0.1 < clamped < 0.9
    pulls = [torch.randn_like(part) for part in expected]
    asked = [hidden, *one_head.parameters(), *other_head.parameters()]
    sums = [
        torch.stack([(parts[at] * pulls[at]).sum() for at in used]).sum()
        for parts in (found, expected)
    ]
    got, wanted = (torch.autograd.grad(total, asked, allow_unused=True) for total in sums)
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, torch.zeros_like(one) if other is None else other)


def test_products_are_rounded_where_that_is_asked() -> None:
    torch.manual_seed(0)
    mean, log_variance = Linear(6, 3), Linear(6, 3)
    hidden, noise = torch.randn(40, 6), torch.randn(40, 3)
    exact = sample(hidden, mean, log_variance, noise, LIMIT)
    with rounded_products():
        rounded = sample(hidden, mean, log_variance, noise, LIMIT)
    for one, other in zip(rounded, exact, strict=True):
        assert 0 < (one - other).abs().max() < 0.05
