"""Errors of a VGAE per node and per window; the loss and the anomaly score share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from can_train.detectors.vgae.network import VgaeOutput
from can_train.graphs.batch import ScaledGraphs

WINDOW_ERRORS: Final = ("reconstruction_mean", "reconstruction_max", "id", "neighbour")
"""Columns of `window_errors`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeErrors:
    """Errors of N nodes, float32; 0 where the mask says that there is nothing to compare with.

    Attributes:
        reconstruction: Squared error, mean over the node features [N].
        id: Cross-entropy of the node's own ID [N], nats.
        neighbour: Binary cross-entropy, mean over all known IDs [N], nats.
        id_known: The node's ID is in the ID vocabulary [N], bool.
        neighbour_known: So is the ID of at least one node next to it [N], bool.
    """

    reconstruction: Tensor
    id: Tensor
    neighbour: Tensor
    id_known: Tensor
    neighbour_known: Tensor


def neighbour_targets(batch: ScaledGraphs, vocabulary_size: int) -> Tensor:
    """Which known IDs each node has an edge with, in either direction.

    Returns:
        Multi-hot [N, V - 1], bool; column c belongs to ID index c + 1. Unknown IDs set nothing.
    """
    source, target = batch.edge_index
    hot = torch.zeros(
        batch.x.size(0), vocabulary_size, dtype=torch.bool, device=batch.edge_index.device
    )
    hot[source, batch.id_index[target]] = True
    hot[target, batch.id_index[source]] = True
    return hot[:, 1:]


def node_errors(output: VgaeOutput, batch: ScaledGraphs) -> NodeErrors:
    """Errors of every node of `batch`, differentiable in `output`."""
    known = batch.id_index > 0
    reconstruction = (output.reconstruction - batch.x).square().mean(dim=1)
    id_error = functional.cross_entropy(
        output.id_logits, batch.id_index - 1, ignore_index=-1, reduction="none"
    )
    targets = neighbour_targets(batch, output.id_logits.size(1) + 1)
    neighbour_known = known & targets.any(dim=1)
    neighbour = functional.binary_cross_entropy_with_logits(
        output.neighbour_logits, targets.to(output.neighbour_logits.dtype), reduction="none"
    ).mean(dim=1)
    return NodeErrors(
        reconstruction=reconstruction,
        id=id_error,
        neighbour=torch.where(neighbour_known, neighbour, 0.0),
        id_known=known,
        neighbour_known=neighbour_known,
    )


def window_errors(output: VgaeOutput, batch: ScaledGraphs) -> Tensor:
    """Errors of every window, the raw material of the anomaly score.

    Args:
        output: Of a VGAE in eval mode, so that errors are those of the latent mean.
        batch: The windows it was computed from.

    Returns:
        [B, 4], float32, columns `WINDOW_ERRORS`: mean and largest reconstruction error of the
        window's nodes; mean ID and neighbour error over the nodes whose IDs are known, 0 where no
        ID is, so that a vehicle never seen in training is judged by its reconstruction alone.
    """
    errors = node_errors(output, batch)

    def sums(value: Tensor) -> Tensor:
        return value.new_zeros(batch.num_graphs).scatter_add(0, batch.batch, value)

    def mean(value: Tensor, counted: Tensor) -> Tensor:
        return sums(value) / sums(counted.to(value.dtype)).clamp(min=1.0)

    reconstruction = errors.reconstruction

    return torch.stack(
        [
            mean(reconstruction, torch.ones_like(reconstruction)),
            reconstruction.new_zeros(batch.num_graphs).scatter_reduce(
                0, batch.batch, reconstruction, "amax", include_self=False
            ),
            mean(errors.id, errors.id_known),
            mean(errors.neighbour, errors.neighbour_known),
        ],
        dim=1,
    )
