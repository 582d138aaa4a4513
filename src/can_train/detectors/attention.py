"""Graph attention with edge features, and the self-loops it needs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GATConv
from torch_geometric.utils import add_self_loops, softmax


class EdgeScoreGATConv(GATConv):  # type: ignore[misc]  # torch_geometric is untyped
    r"""Graph attention whose score has a linear term in the edge features.

    .. math::
        s_{ij}^h = \mathrm{LeakyReLU}(a_s^h \cdot W^h x_j + a_t^h \cdot W^h x_i + v^h \cdot e_{ij})
        \qquad
        x_i'^h = \sum_j \mathrm{softmax}_j(s_{ij}^h) \, W^h x_j

    Velickovic et al., "Graph Attention Networks", ICLR 2018, eq. 1-6. `GATConv(edge_dim=G)`
    writes the edge term as :math:`a_e^h \cdot W_e^h e_{ij}`: the same functions, since both factors
    only ever appear as their product :math:`v^h`, but with C times the parameters and an [E, H*C]
    intermediate. Existing self-edges (an ID that follows itself) are kept as they are.

    Args:
        in_channels: Width F of a node.
        out_channels: Width C of one head.
        heads: Number of heads H; their outputs are concatenated.
        edge_channels: Width G of an edge.
        residual: Adds a learned linear map of the node itself to the output.
        uniform: All edges into a node weigh the same: the mean over its neighbours.
        scores_edges: Whether edge features enter the score.

    Shapes:
        - x [N, F], edge_index [2, E], edge_attr [E, G] -> [N, H*C]
    """

    def __init__(  # noqa: PLR0913 - a layer takes plain arguments, not a config object
        self,
        in_channels: int,
        out_channels: int,
        heads: int,
        edge_channels: int,
        *,
        residual: bool = False,
        uniform: bool = False,
        scores_edges: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, heads=heads, add_self_loops=False, residual=residual
        )
        self._uniform = uniform
        self._scores_edges = scores_edges
        self.edge_score = nn.Linear(edge_channels, heads, bias=False)

    def edge_update(
        self,
        alpha_j: Tensor,
        alpha_i: Tensor | None,
        edge_attr: Tensor | None,
        index: Tensor,
        ptr: Tensor | None,
        dim_size: int | None,
    ) -> Tensor:
        """Attention weights [E, H], float32, summing to 1 over the edges into one node."""
        score = alpha_j if alpha_i is None else alpha_j + alpha_i
        if self._uniform:
            score = torch.zeros_like(score)
        elif edge_attr is not None and self._scores_edges:
            score = score + self.edge_score(edge_attr)
        score = functional.leaky_relu(score, self.negative_slope)
        weights: Tensor = softmax(score, index, ptr, dim_size)
        return weights


def with_marked_self_loops(
    edge_index: Tensor, edge_attr: Tensor, num_nodes: int
) -> tuple[Tensor, Tensor]:
    """One more self-loop per node, marked by an additional last edge feature.

    Args:
        edge_index: [2, E], int64.
        edge_attr: [E, G], float32.
        num_nodes: N.

    Returns:
        Edges [2, E + N] and features [E + N, G + 1]: 0 in the last column for edges that were
        there, and (0, ..., 0, 1) for the loops, so that attention can learn how much of itself a
        node keeps.
    """
    marked = functional.pad(edge_attr, (0, 1))
    loop = torch.zeros(marked.size(1), dtype=marked.dtype, device=marked.device)
    loop[-1] = 1.0
    edges, features = add_self_loops(edge_index, marked, fill_value=loop, num_nodes=num_nodes)
    return edges, features
