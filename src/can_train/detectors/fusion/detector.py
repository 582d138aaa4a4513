"""The fusion agent as a detector: weighs an anomaly score and an attack probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.config.schema import Architecture
from can_train.config.spec import spec_of
from can_train.detectors.base import Detector, NetworkShape, Scores
from can_train.detectors.fusion.network import QNetwork

ACTIONS: Final = 21

ALPHAS: Final = np.linspace(0.0, 1.0, ACTIONS)
"""Fusion weights 0, 0.05, ... 1 that the agent chooses from."""

STATE_LIMIT: Final = 5.0
"""Standardised state numbers are clipped here: far outside, the agent knows nothing more."""


class FusionDetector(Detector):
    """Scores windows by (1 - alpha) * anomaly + alpha * p(attack), alpha by the agent.

    Extras: `state_mean` and `state_scale` of the states that it was fitted on [S].
    """

    EXTRAS: ClassVar[frozenset[str]] = frozenset({"state_mean", "state_scale"})
    fuses: ClassVar[bool] = True

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.state_mean = nn.Buffer(torch.from_numpy(self.extras["state_mean"]))
        self.state_scale = nn.Buffer(torch.from_numpy(self.extras["state_scale"]))
        self.alphas = nn.Buffer(torch.from_numpy(ALPHAS))
        names = {spec_of(name).role: name for name in self.config.experts}
        self._anomaly, self._probability = names["anomaly"], names["probability"]

    @classmethod
    def build_network(cls, architecture: Architecture, shape: NetworkShape) -> nn.Module:
        """A freshly initialised Q-network."""
        return QNetwork(
            state_channels=shape.state_channels, actions=ACTIONS, **asdict(architecture)
        )

    def fused(self, seen: Mapping[str, Scores]) -> Scores:
        """The fused score; the state is what the agent saw."""
        anomaly, probability = seen[self._anomaly], seen[self._probability]
        state = torch.cat([anomaly.state, probability.state], dim=1)
        values: Tensor = self.network(standardised(state, self.state_mean, self.state_scale))
        alpha = self.alphas[values.argmax(dim=1)]
        score = (1.0 - alpha) * anomaly.score + alpha * probability.score
        return Scores(score=score, state=state)


def standardised(state: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """States [B, S] as the Q-network's float32 input, clipped at +-5 standard deviations."""
    return ((state - mean) / scale).clamp(-STATE_LIMIT, STATE_LIMIT).float()


def fused_by_weight(
    anomaly: NDArray[np.float64], probability: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fused scores of every action [B, 21]."""
    fused: NDArray[np.float64] = (1.0 - ALPHAS) * anomaly[:, None] + ALPHAS * probability[:, None]
    return fused
