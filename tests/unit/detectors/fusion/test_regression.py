"""The agent's gradient by hand is autograd's."""

from __future__ import annotations

import pytest
import torch

from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.fusion.regression import learn_rewards


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("windows", [1, 30])
def test_loss_and_gradients_are_those_of_autograd(layers: int, windows: int) -> None:
    torch.manual_seed(layers)
    agent = QNetwork(state_channels=4, actions=5, hidden_channels=8, hidden_layers=layers).double()
    state, reward = torch.randn(windows, 4).double(), torch.rand(windows, 5).double()
    weight = torch.rand(windows).double()
    loss = ((agent(state) - reward).square().mean(dim=1) * weight).mean()
    expected = torch.autograd.grad(loss, list(agent.parameters()))
    found = learn_rewards(agent, state, reward, weight)
    torch.testing.assert_close(found, loss.detach(), rtol=1e-12, atol=0.0)
    for parameter, gradient in zip(agent.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-15)
