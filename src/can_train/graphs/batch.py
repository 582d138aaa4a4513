"""What the models see: several window graphs joined into one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphBatch:
    """B window graphs as one graph without edges between them.

    Attributes:
        x: Scaled node features [N, F], float32.
        id_index: Index of each node's arbitration ID in the ID vocabulary [N], int64; 0 is unknown.
        edge_index: Source (row 0) and target (row 1) node of each edge [2, E], int64.
        edge_attr: Scaled edge features [E, G], float32.
        batch: Graph of each node [N], int64, ascending.
        num_graphs: B.
        y: Label of each window [B], int64; 0 benign, 1 attack.
        window: Index of each window in the store [B], int64.
    """

    x: Tensor
    id_index: Tensor
    edge_index: Tensor
    edge_attr: Tensor
    batch: Tensor
    num_graphs: int
    y: Tensor
    window: Tensor

    def to(self, device: torch.device | str) -> GraphBatch:
        """The same batch with every tensor on `device`."""
        return GraphBatch(
            x=self.x.to(device),
            id_index=self.id_index.to(device),
            edge_index=self.edge_index.to(device),
            edge_attr=self.edge_attr.to(device),
            batch=self.batch.to(device),
            num_graphs=self.num_graphs,
            y=self.y.to(device),
            window=self.window.to(device),
        )
