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
from can_train.detectors.counts import scoring_batch
from can_train.detectors.familiarity import familiarity
from can_train.detectors.kernels.window_vgae import LOG_FLOOR
from can_train.detectors.vgae.errors import window_errors
from can_train.detectors.vgae.network import VGAE, VgaeOutput
from can_train.graphs.batch import ScaledGraphs
from can_train.graphs.feed import GraphFeed

LOSS_WEIGHTS = ("id_weight", "neighbour_weight", "kl_weight")
"""Fields of `VgaeConfig` that shape the loss; the network has ID heads if one of the first two
isn't 0."""

_SMALLEST_UNIT = 1e-9


class VgaeDetector(Detector):
    """Scores windows by the logarithm of their error.

    Extras: `error_scale`, the benign-validation mean of each error column [2].
    """

    EXTRAS: ClassVar[frozenset[str]] = frozenset({"error_scale"})

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.error_scale = nn.Buffer(torch.from_numpy(self.extras["error_scale"]))

    @classmethod
    def build_network(cls, architecture: Architecture, shape: NetworkShape) -> nn.Module:
        """A freshly initialised VGAE."""
        sizes = asdict(architecture)
        weights = {name: sizes.pop(name) for name in LOSS_WEIGHTS}
        asked = weights["id_weight"] or weights["neighbour_weight"]
        return VGAE(
            node_channels=shape.node_channels,
            edge_channels=shape.edge_channels,
            num_ids=shape.num_ids,
            told_ids=shape.vocabulary_size if asked else 0,
            **sizes,
        )

    @classmethod
    @torch.no_grad()
    def calibrated(cls, network: nn.Module, feed: GraphFeed, benign: NDArray[np.int64]) -> Extras:
        """Scale of the error columns."""
        device = next(network.parameters()).device
        parts = []
        for batch in feed.batches(benign, scoring_batch([network])):
            moved = batch.to(device)
            parts.append(window_errors(network(moved), moved).double().cpu())
        errors = torch.cat(parts)
        return {"error_scale": np.maximum(errors.numpy().mean(axis=0), _SMALLEST_UNIT)}

    def scored(self, graphs: ScaledGraphs) -> Scores:
        """Log of the combined error; beside it those of mean and worst node."""
        output: VgaeOutput = self.network(graphs)
        errors = window_errors(output, graphs).double()
        combined = combined_error(errors, self.error_scale)
        score, mean, worst = (
            torch.log(error + LOG_FLOOR) for error in (combined, errors[:, 0], errors[:, 1])
        )
        return self.said(score, mean, worst, familiarity=familiarity(graphs), relies=True)

    def teach(self, graphs: ScaledGraphs) -> dict[str, Tensor]:
        """Latent means `mu` [N, L] and their `reconstruction` [N, F], in its own scaling."""
        network = self.network
        if not isinstance(network, VGAE):
            raise TypeError(f"expected a VGAE, got {type(network).__name__}")
        mu = network.encode(graphs)[0]
        return {"mu": mu, "reconstruction": network.decode(mu)}


def combined_error(errors: Tensor, scale: Tensor) -> Tensor:
    """Sum of the error columns [B, 2], each in units of its benign-validation mean [2]."""
    mean, worst = (errors / scale).unbind(dim=1)
    return mean + worst
