"""The edges of joined graphs as attention takes them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from can_train.detectors.kernels.attention import by_target
from can_train.graphs.batch import ScaledGraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The edges of joined graphs in order of their targets, sorted once for all layers.

    Attributes:
        first: First edge of each node [N + 1], int64.
        source: Node that each comes from [P], int64.
        features: Of each [P, G]; with loops [P, G + 1].
    """

    first: Tensor
    source: Tensor
    features: Tensor

    @classmethod
    def of(cls, graphs: ScaledGraphs, *, loops: bool = False) -> Edges:
        """Those of `graphs`.

        Args:
            graphs: N nodes, E edges.
            loops: Whether every node gets one more edge to itself, marked by an additional last
                feature, so that attention can learn how much of itself a node keeps. Edges from an
                ID to itself are there besides.
        """
        source, target = graphs.edge_index.cpu().numpy()
        features = graphs.edge_attr.cpu().numpy()
        found = by_target(source, target, features, len(graphs.x), loops)
        first, sources, ordered = (torch.from_numpy(part).to(graphs.x.device) for part in found)
        return cls(first=first, source=sources, features=ordered)

    @property
    def target(self) -> Tensor:
        """Node that each edge leads to [P]."""
        node = torch.arange(len(self.first) - 1, device=self.first.device)
        return node.repeat_interleave(self.first.diff(), output_size=len(self.source))
