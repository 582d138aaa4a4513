"""Networks of the fusion: each makes one unbounded margin of what two experts say."""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor, nn

from can_train.config.schema import Architecture
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.kernels.window_fusion import (
    ACTIONS,
    ALPHAS,
    STATE_LIMIT,
    SUPPORT,
    SUPPORT_RISE,
)
from can_train.vocab import FusionPolicy


class LinearFusion(nn.Module):
    """Log odds of an attack, linear in numbers that rise with suspicion.

    Args:
        policy: `logistic`: in all state numbers; `mean`: in that of the two excesses; `maximum`: in
            that of the classifier with the other one's support, or the rhythm's.
        state_channels: Numbers in a state S.
    """

    def __init__(self, policy: FusionPolicy, state_channels: int) -> None:
        super().__init__()
        self.policy = policy
        channels = state_channels if policy == "logistic" else 1
        self.weight = nn.Parameter(torch.ones(channels, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def features(self, state: Tensor, excess: Tensor) -> Tensor:
        """What the log odds are linear in [B, C], of states [B, S] and excesses [B, 3]."""
        if self.policy == "logistic":
            return state
        if self.policy == "maximum":
            anomaly, probability, rhythm = (excess[:, k : k + 1] for k in range(3))
            support = (SUPPORT_RISE * anomaly.clamp_min(0.0)).clamp_max(SUPPORT)
            most = probability + support
            return torch.where(rhythm > 0, torch.maximum(rhythm, most), most)
        return excess[:, :2].mean(dim=1, keepdim=True)

    def doubt(self, excess: Tensor) -> Tensor:
        """What is taken off the log odds of windows that don't alarm [B], of excesses [B, 3]."""
        if self.policy != "maximum":
            return torch.zeros_like(excess[:, 0])
        return self.weight * (-excess[:, 0]).clamp_min(0.0)

    def forward(self, state: Tensor, excess: Tensor) -> Tensor:
        """Log odds [B], float64, of standardised states [B, S] and excesses [B, 3]."""
        return (self.features(state, excess) * self.weight).sum(dim=1) + self.bias


def clipped(state: Tensor) -> Tensor:
    """Standardised states as the agent takes them, float32."""
    return state.clamp(-STATE_LIMIT, STATE_LIMIT).float()


class AgentFusion(nn.Module):
    """(1 - alpha) * excess of the one + alpha * excess of the other, alpha by the agent.

    Args:
        agent: Values the 21 weights in a state.
    """

    def __init__(self, agent: QNetwork) -> None:
        super().__init__()
        self.agent = agent
        self.alphas = nn.Buffer(torch.from_numpy(ALPHAS), persistent=False)

    def values(self, state: Tensor) -> Tensor:
        """Q-values [B, 21], float32, of standardised states [B, S]."""
        values: Tensor = self.agent(clipped(state))
        return values

    def forward(self, state: Tensor, excess: Tensor) -> Tensor:
        """Fused excess [B], float64, with the weight of the largest Q-value."""
        alpha = self.alphas[self.values(state).argmax(dim=1)]
        return (1.0 - alpha) * excess[:, 0] + alpha * excess[:, 1]


def fusion_network(
    policy: FusionPolicy, architecture: Architecture, state_channels: int
) -> LinearFusion | AgentFusion:
    """A freshly initialised network of a policy; `architecture` is that of the agent."""
    if policy != "dqn":
        return LinearFusion(policy, state_channels)
    return AgentFusion(
        QNetwork(state_channels=state_channels, actions=ACTIONS, **asdict(architecture))
    )
