"""The terms' gradients by hand are those of the terms as they are defined per node."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from can_train.detectors.vgae.network import VgaeOutput
from can_train.detectors.vgae.terms import VgaeLossWeights, plain_terms, weighted_terms

WEIGHTS = VgaeLossWeights(id=0.3, neighbour=0.7, kl=0.2)


def test_a_network_without_heads_has_terms_and_gradients_of_the_rest(random_batch) -> None:
    batch = random_batch()
    torch.manual_seed(2)
    nodes, channels = batch.x.shape
    widths = {"mu": 3, "logvar": 3, "reconstruction": channels}
    parts = {n: torch.randn(nodes, w).requires_grad_() for n, w in widths.items()}
    output = VgaeOutput(**parts)
    expected = plain_terms(output, batch)
    total, terms = weighted_terms(output, batch, WEIGHTS)
    torch.testing.assert_close(terms, expected.detach())
    assert terms[1:3].tolist() == [0.0, 0.0]
    wanted = torch.autograd.grad(expected[0] + WEIGHTS.kl * expected[3], [*parts.values()])
    for factor in (1.0, 3.0):
        found = torch.autograd.grad(factor * total, [*parts.values()], retain_graph=True)
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, factor * other)


@pytest.mark.parametrize("known", ["all", "some", "none"])
def test_terms_and_every_gradient_are_those_of_autograd(known: str, random_batch) -> None:
    batch = random_batch()
    torch.manual_seed(1)
    nodes, channels = batch.x.shape
    low = {"all": 1, "some": 0, "none": 0}[known]
    index = torch.randint(low, 6, (nodes,)) if known != "none" else torch.zeros(nodes).long()
    batch = replace(batch, id_index=index, x=batch.x.double())
    widths = {"mu": 3, "logvar": 3, "reconstruction": channels, "id_logits": 5,
              "neighbour_logits": 5}  # fmt: skip
    output = VgaeOutput(
        **{n: (4 * torch.randn(nodes, w)).double().requires_grad_() for n, w in widths.items()}
    )
    expected = plain_terms(output, batch)
    weights = torch.tensor([1.0, WEIGHTS.id, WEIGHTS.neighbour, WEIGHTS.kl]).double()
    total, terms = weighted_terms(output, batch, WEIGHTS)
    torch.testing.assert_close(terms, expected.detach())
    assert not terms.requires_grad
    parts = [getattr(output, field.name) for field in fields(output)]
    wanted = torch.autograd.grad(3.0 * (expected * weights).sum(), parts)
    found = torch.autograd.grad(3.0 * total, parts)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)
