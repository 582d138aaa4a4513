"""The VGAE as a detector: how far a window's errors lie outside benign experience."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.config.schema import Architecture
from can_train.detectors.base import Detector, Extras, NetworkShape, Scores
from can_train.detectors.scoring import SCORING_BATCH
from can_train.detectors.vgae.errors import window_errors
from can_train.detectors.vgae.network import VGAE, VgaeOutput
from can_train.graphs.batch import ScaledGraphs
from can_train.graphs.feed import GraphFeed

LOSS_WEIGHTS = ("id_weight", "neighbour_weight", "kl_weight")
"""Fields of `VgaeConfig` that shape the loss and not the network."""

_SMALLEST_UNIT = 1e-9
_LOG_FLOOR = 1e-6
"""Added to errors before their logarithm; an error of a window whose IDs are unknown is 0."""


class VgaeDetector(Detector):
    """Scores windows by the logarithm of their error.

    Extras: `error_scale`, the benign-validation mean of each error column [4].
    """

    EXTRAS: ClassVar[frozenset[str]] = frozenset({"error_scale"})

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.error_scale = nn.Buffer(torch.from_numpy(self.extras["error_scale"]))

    @classmethod
    def build_network(cls, architecture: Architecture, shape: NetworkShape) -> nn.Module:
        """A freshly initialised VGAE."""
        sizes = {k: v for k, v in asdict(architecture).items() if k not in LOSS_WEIGHTS}
        return VGAE(
            node_channels=shape.node_channels,
            edge_channels=shape.edge_channels,
            num_ids=shape.num_ids,
            vocabulary_size=shape.vocabulary_size,
            **sizes,
        )

    @classmethod
    @torch.no_grad()
    def calibrated(cls, network: nn.Module, feed: GraphFeed, benign: NDArray[np.int64]) -> Extras:
        """Scale of the error columns."""
        device = next(network.parameters()).device
        parts = []
        for batch in feed.batches(benign, SCORING_BATCH):
            moved = batch.to(device)
            parts.append(window_errors(network(moved), moved).double().cpu())
        errors = torch.cat(parts)
        return {"error_scale": np.maximum(errors.numpy().mean(axis=0), _SMALLEST_UNIT)}

    def scored(self, graphs: ScaledGraphs) -> Scores:
        """Log of the combined error; the state: log of three errors, latent statistics."""
        output: VgaeOutput = self.network(graphs)
        errors = window_errors(output, graphs).double()
        score = torch.log(combined_error(errors, self.error_scale) + _LOG_FLOOR)
        logs = torch.log(errors[:, [0, 2, 3]] + _LOG_FLOOR)
        latent = _node_statistics(output.mu.double(), graphs)
        return Scores(score=score, state=torch.cat([logs, latent], dim=1))

    def teach(self, graphs: ScaledGraphs) -> dict[str, Tensor]:
        """Latent means `mu` [N, L] and their `reconstruction` [N, F], in its own scaling."""
        network = self.network
        if not isinstance(network, VGAE):
            raise TypeError(f"expected a VGAE, got {type(network).__name__}")
        mu = network.encode(graphs)[0]
        return {"mu": mu, "reconstruction": network.decode(mu)}


def combined_error(errors: Tensor, scale: Tensor) -> Tensor:
    """Sum of the error columns [B, 4], each in units of its benign-validation mean [4]."""
    parts = (errors / scale).unbind(dim=1)
    return parts[0] + parts[1] + parts[2] + parts[3]  # in this order, whatever the device


def _node_statistics(values: Tensor, graphs: ScaledGraphs) -> Tensor:
    """Mean, std, max and min of node values [N, L] over nodes and columns per window [B, 4]."""
    index, size = graphs.batch, graphs.num_graphs
    channels = values.size(1)
    count = torch.zeros(size, dtype=values.dtype, device=values.device)
    count.index_add_(0, index, torch.full_like(values[:, 0], channels))
    total = torch.zeros_like(count).index_add_(0, index, values.sum(1))
    squares = torch.zeros_like(count).index_add_(0, index, values.square().sum(1))
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    highest = torch.full_like(count, -torch.inf)
    highest = highest.scatter_reduce_(0, index, values.amax(1), "amax")
    lowest = torch.full_like(count, torch.inf).scatter_reduce_(0, index, values.amin(1), "amin")
    return torch.stack([mean, std, highest, lowest], dim=1)
