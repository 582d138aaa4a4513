"""Errors of a VGAE: of nodes, which the loss asks for, and of windows, for the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from can_train.detectors.vgae.network import VgaeOutput
from can_train.graphs.batch import ScaledGraphs

WINDOW_ERRORS: Final = ("mean", "max")
"""Columns of `window_errors`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeErrors:
    """Errors of N nodes, float32; 0 where the mask says that there is nothing to compare with.

    So for all nodes when the network tells no IDs.

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
    if output.id_logits is None or output.neighbour_logits is None:
        none, nobody = torch.zeros_like(reconstruction), torch.zeros_like(known)
        return NodeErrors(
            reconstruction=reconstruction,
            id=none,
            neighbour=none,
            id_known=nobody,
            neighbour_known=nobody,
        )
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

    IDs are no part of it, whatever the loss asks: how well they are told says which car it is.

    Args:
        output: Of a VGAE in eval mode, so that errors are those of the latent mean.
        batch: The windows it was computed from.

    Returns:
        [B, 2], float32, columns `WINDOW_ERRORS`: mean and largest reconstruction error of the
        window's nodes.
    """
    of_node = (output.reconstruction - batch.x).square().mean(dim=1)
    none, window = of_node.new_zeros(batch.num_graphs), batch.batch
    count = none.scatter_add(0, window, torch.ones_like(of_node))
    return torch.stack(
        [
            none.scatter_add(0, window, of_node) / count,
            none.scatter_reduce(0, window, of_node, "amax", include_self=False),
        ],
        dim=1,
    )
