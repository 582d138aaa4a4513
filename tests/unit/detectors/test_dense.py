"""Fully connected layers, against those of torch_geometric."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch_geometric.nn import MLP

from can_train.detectors.dense import Dense


@pytest.mark.parametrize(("widths", "name", "activation", "dropout"), [
    ([10, 6, 5, 2], "elu", functional.elu, 0.3),
    ([4, 3], "relu", torch.relu, 0.0),
    ([4, 8, 8, 21], "relu", torch.relu, 0.0),
])  # fmt: skip
def test_equals_that_of_torch_geometric_from_the_first_weight_on(
    widths: list[int], name: str, activation: Callable[[Tensor], Tensor], dropout: float
) -> None:
    torch.manual_seed(0)
    theirs = MLP(widths, act=name, norm=None, dropout=dropout)
    torch.manual_seed(0)
    ours = Dense(widths, activation=activation, dropout=dropout)
    state = theirs.state_dict()
    assert state.keys() == ours.state_dict().keys()
    assert all(torch.equal(state[key], value) for key, value in ours.state_dict().items())
    x = torch.randn(7, widths[0])
    for mode in (True, False):
        outputs = []
        for network in (theirs, ours):
            network.train(mode)
            torch.manual_seed(1)
            outputs.append(network(x))
        assert torch.equal(*outputs)
