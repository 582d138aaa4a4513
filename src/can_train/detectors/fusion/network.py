"""Q-network of the fusion agent: the value of every fusion weight in a state."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from can_train.detectors.dense import Dense


class QNetwork(nn.Module):
    """Fully connected network from a state to one Q-value per action.

    Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015: all
    actions' values in one pass. One window is one episode (gamma = 0), so Q is the expected reward.

    Args:
        state_channels: Numbers in a state S.
        actions: Number of actions A.
        hidden_channels: Width of the hidden layers.
        hidden_layers: Number of hidden layers.

    Shapes:
        - state [B, S], float32 -> Q-values [B, A], float32
    """

    def __init__(
        self, *, state_channels: int, actions: int, hidden_channels: int, hidden_layers: int
    ) -> None:
        super().__init__()
        widths = [state_channels, *[hidden_channels] * hidden_layers, actions]
        self.layers = Dense(widths, activation=torch.relu, layer=nn.Linear)

    def forward(self, state: Tensor) -> Tensor:
        """Q-values [B, A] of the states [B, S]."""
        values: Tensor = self.layers(state)
        return values
