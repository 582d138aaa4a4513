"""The GAT as a detector: log odds of an attack."""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor, nn

from can_train.config.schema import Architecture
from can_train.detectors.base import Detector, NetworkShape, Scores
from can_train.detectors.familiarity import familiarity
from can_train.detectors.gat.network import GAT, GatOutput
from can_train.graphs.batch import ScaledGraphs


class GatDetector(Detector):
    """Scores windows by attack minus benign logit in float64: the log odds of an attack."""

    @classmethod
    def build_network(cls, architecture: Architecture, shape: NetworkShape) -> nn.Module:
        """A freshly initialised GAT."""
        return GAT(
            node_channels=shape.node_channels,
            edge_channels=shape.edge_channels,
            num_ids=shape.num_ids,
            **asdict(architecture),
        )

    def scored(self, graphs: ScaledGraphs) -> Scores:
        """Log odds of an attack."""
        output: GatOutput = self.network(graphs)
        return self.said(attack_margin(output.logits), familiarity=familiarity(graphs))

    def teach(self, graphs: ScaledGraphs) -> dict[str, Tensor]:
        """`logits` [B, 2] and the pooled `embedding` [B, D]."""
        output: GatOutput = self.network(graphs)
        return {"logits": output.logits, "embedding": output.embedding}


def attack_margin(logits: Tensor) -> Tensor:
    """Attack minus benign logit [B], float64, of logits [B, 2]."""
    logits = logits.double()
    return logits[:, 1] - logits[:, 0]


def attack_probability(logits: Tensor) -> Tensor:
    """p(attack) [B], float64, of logits [B, 2]; sigmoid of their difference."""
    return torch.sigmoid(attack_margin(logits))
