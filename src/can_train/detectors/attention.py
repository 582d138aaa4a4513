"""Graph attention with edge features: compiled on CPUs, plain elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from can_train.detectors.compiled_layer import LayerWeights, attend
from can_train.detectors.edges import Edges
from can_train.detectors.kernels.attention import NEGATIVE_SLOPE
from can_train.detectors.linear import Linear, linear
from can_train.detectors.pooling import Pooling, pool_plainly


class GraphAttention(nn.Module):
    r"""Graph attention whose score has a linear term in the edge features, and its activation.

    .. math::
        s_{ij}^h = \mathrm{LeakyReLU}(a_s^h \cdot W^h x_j + a_t^h \cdot W^h x_i + v^h \cdot e_{ij})
        \qquad
        x_i'^h = \mathrm{ELU}\Big(\sum_j \mathrm{softmax}_j(s_{ij}^h) \, W^h x_j + b^h + r_i^h\Big)

    Velickovic et al., "Graph Attention Networks", ICLR 2018, eq. 1-6. `GATConv(edge_dim=G)` of
    torch_geometric writes the edge term as :math:`a_e^h \cdot W_e^h e_{ij}`: the same functions,
    since both factors only ever appear as their product :math:`v^h`, but with C times the
    parameters and an [E, H*C] intermediate.

    Args:
        in_channels: Width F of a node.
        out_channels: Width C of one head.
        heads: Number of heads H; their outputs are concatenated.
        edge_channels: Width G of an edge; one more where nodes have loops.
        residual: Whether r is a learned linear map of the node; else r is what is given.
        neighbours: `attention`; `mean`: all edges into a node weigh the same; `none`: no edge
            has a say, so that only r tells of a node.
        scores_edges: Whether edge features enter the score.

    Shapes:
        - x [N, F], residual [N, H*C] or None -> [N, H*C]
    """

    def __init__(  # noqa: PLR0913 - a layer takes plain arguments, not a config object
        self,
        in_channels: int,
        out_channels: int,
        heads: int,
        edge_channels: int,
        *,
        residual: bool = False,
        neighbours: str = "attention",
        scores_edges: bool = True,
    ) -> None:
        super().__init__()
        self._neighbours = neighbours
        self._scores_edges = scores_edges
        width = heads * out_channels
        self.lin = Linear(in_channels, width, bias=False)
        self.res = Linear(in_channels, width, bias=False) if residual else None
        self.att_src = nn.Parameter(torch.empty(1, heads, out_channels))
        self.att_dst = nn.Parameter(torch.empty(1, heads, out_channels))
        self.bias = nn.Parameter(torch.zeros(width))
        self.edge_score = Linear(edge_channels, heads, bias=False)
        for weight in (self.lin.weight, self.att_src, self.att_dst):
            nn.init.xavier_uniform_(weight)
        if self.res is not None:
            nn.init.xavier_uniform_(self.res.weight)

    def forward(self, x: Tensor, edges: Edges, residual: Tensor | None = None) -> Tensor:
        """The nodes after attention."""
        if x.is_cuda:
            return attend_plainly(x, self.weights(), edges, residual)
        return attend(x, self.weights(), edges, residual)[0]

    def pooled(
        self, x: Tensor, edges: Edges, residual: Tensor | None, pooling: Pooling
    ) -> tuple[Tensor, Tensor]:
        """The nodes after attention, and pooled [B, K*H*C]."""
        if x.is_cuda:
            out = attend_plainly(x, self.weights(), edges, residual)
            return out, pool_plainly(out, pooling)
        out, pooled = attend(x, self.weights(), edges, residual, pooling)
        assert pooled is not None
        return out, pooled

    def weights(self) -> LayerWeights:
        """What was learned, without what has no say."""
        projection, source, target = self.lin.weight, self.att_src[0], self.att_dst[0]
        if self._neighbours != "attention":
            source, target = torch.zeros_like(source), torch.zeros_like(target)
        if self._neighbours == "none":
            projection = torch.zeros_like(projection)
        scored = self._scores_edges and self._neighbours == "attention"
        return LayerWeights(
            projection=projection,
            residual=None if self.res is None else self.res.weight,
            of_source=source,
            of_target=target,
            of_edge=self.edge_score.weight if scored else None,
            bias=self.bias,
        )


def attend_plainly(
    x: Tensor, weights: LayerWeights, edges: Edges, residual: Tensor | None = None
) -> Tensor:
    """Attention by torch's own operations, on any device; see `compiled_layer.py:attend`."""
    nodes, target = len(x), edges.target
    if weights.residual is not None:
        residual = linear(x, weights.residual)
    z = linear(x, weights.projection).view(nodes, *weights.of_source.shape)
    score = (z * weights.of_source).sum(2)[edges.source] + (z * weights.of_target).sum(2)[target]
    if weights.of_edge is not None:
        score = score + linear(edges.features, weights.of_edge)
    score = functional.leaky_relu(score, NEGATIVE_SLOPE)
    place = target[:, None].expand_as(score)
    largest = score.detach().new_full((nodes, z.shape[1]), -torch.inf)
    largest = largest.scatter_reduce(0, place, score.detach(), "amax")
    weight = torch.exp(score - largest[target])
    weight = weight / weight.new_zeros(nodes, z.shape[1]).index_add(0, target, weight)[target]
    total = torch.zeros_like(z).index_add(0, target, weight[:, :, None] * z[edges.source])
    update = total.flatten(1) + weights.bias
    return functional.elu(update if residual is None else update + residual)
