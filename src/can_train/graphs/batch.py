"""What detectors and their networks see: several window graphs joined into one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from can_train.errors import ConfigError

if TYPE_CHECKING:
    from torch_geometric.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    """B window graphs as one graph without edges between them.

    Attributes:
        edge_index: Source (row 0) and target (row 1) node of each edge [2, E], int64.
        batch: Graph of each node [N], int64, ascending.
        num_graphs: B.
    """

    edge_index: Tensor
    batch: Tensor
    num_graphs: int

    @property
    def first_nodes(self) -> Tensor:
        """First node of each graph, and N [B + 1], int64."""
        counts = torch.bincount(self.batch, minlength=self.num_graphs)
        return functional.pad(counts.cumsum(0), (1, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class RawGraphs(_Joined):
    """Graphs as they are stored: what a detector takes.

    Attributes:
        node_x: Node features [N, F], float32, unscaled.
        node_id: Arbitration ID of each node [N], int64.
        edge_x: Edge features [E, G], float32, unscaled.
    """

    node_x: Tensor
    node_id: Tensor
    edge_x: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledGraphs(_Joined):
    """Graphs as a network takes them.

    Attributes:
        x: Scaled node features [N, F], float32.
        id_index: Index of each node's arbitration ID in the ID vocabulary [N], int64; 0 is unknown.
        edge_attr: Scaled edge features [E, G], float32.
    """

    x: Tensor
    id_index: Tensor
    edge_attr: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphBatch(ScaledGraphs):
    """Graphs that something is trained on.

    Attributes:
        y: Label of each window [B], int64; 0 benign, 1 attack.
        window: Index of each window in the store [B], int64.
    """

    y: Tensor
    window: Tensor

    def __len__(self) -> int:
        """B."""
        return self.num_graphs

    def to(self, device: torch.device | str) -> GraphBatch:
        """The same batch with every tensor on `device`."""
        return replace(
            self,
            x=self.x.to(device),
            id_index=self.id_index.to(device),
            edge_index=self.edge_index.to(device),
            edge_attr=self.edge_attr.to(device),
            batch=self.batch.to(device),
            y=self.y.to(device),
            window=self.window.to(device),
        )

    def to_pyg(self) -> Data:
        """The same as torch_geometric has it, for layers of its own.

        Raises:
            ConfigError: torch_geometric isn't installed.
        """
        try:
            from torch_geometric.data import Data
        except ImportError as error:
            raise ConfigError(
                "to_pyg: torch_geometric isn't installed, and nothing else here needs it. "
                "Install it: pip install torch_geometric"
            ) from error
        return Data(
            x=self.x,
            edge_index=self.edge_index,
            edge_attr=self.edge_attr,
            y=self.y,
            batch=self.batch,
            id_index=self.id_index,
            window=self.window,
        )
