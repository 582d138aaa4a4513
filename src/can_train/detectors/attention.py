"""Graph attention with edge features, and pooling of nodes: compiled on CPUs, plain elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional

from can_train.detectors.kernels.attention import (
    NEGATIVE_SLOPE,
    by_target,
    gradients,
    scores,
    weighted_sums,
)
from can_train.detectors.kernels.pooling import maxima, means, of_maxima, of_means
from can_train.detectors.linear import Linear
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
        uniform: All edges into a node weigh the same: the mean over its neighbours.
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
        uniform: bool = False,
        scores_edges: bool = True,
    ) -> None:
        super().__init__()
        self._uniform = uniform
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
        own = residual if self.res is None else self.res(x)
        z = self.lin(x).view(len(x), *self.att_src.shape[1:])
        of_source, of_target = self.att_src[0], self.att_dst[0]
        of_edge = self.edge_score(edges.features)
        if self._uniform:
            of_source, of_target = torch.zeros_like(of_source), torch.zeros_like(of_target)
        if self._uniform or not self._scores_edges:
            of_edge = torch.zeros_like(of_edge)
        function = attend_plainly if x.is_cuda else attend
        return function(z, of_source, of_target, of_edge, bias=self.bias, residual=own, edges=edges)


def attend_plainly(  # noqa: PLR0913 - the parts of a layer
    z: Tensor,
    of_source: Tensor,
    of_target: Tensor,
    of_edge: Tensor,
    *,
    bias: Tensor,
    residual: Tensor | None,
    edges: Edges,
) -> Tensor:
    """Attention by torch's own operations, on any device.

    Args:
        z: Projected nodes [N, H, C].
        of_source, of_target: Attention of either end [H, C].
        of_edge: What the edge itself adds to the score [P, H].
        bias: [H*C].
        residual: Added to each node [N, H*C], if anything is.
        edges: Sorted edges.
    """
    nodes, target = len(z), edges.target
    score = (z * of_source).sum(2)[edges.source] + (z * of_target).sum(2)[target] + of_edge
    score = functional.leaky_relu(score, NEGATIVE_SLOPE)
    place = target[:, None].expand_as(score)
    largest = score.detach().new_full((nodes, z.shape[1]), -torch.inf)
    largest = largest.scatter_reduce(0, place, score.detach(), "amax")
    weight = torch.exp(score - largest[target])
    weight = weight / weight.new_zeros(nodes, z.shape[1]).index_add(0, target, weight)[target]
    total = torch.zeros_like(z).index_add(0, target, weight[:, :, None] * z[edges.source])
    update = total.flatten(1) + bias
    return functional.elu(update if residual is None else update + residual)


def attend(  # noqa: PLR0913 - the parts of a layer
    z: Tensor,
    of_source: Tensor,
    of_target: Tensor,
    of_edge: Tensor,
    *,
    bias: Tensor,
    residual: Tensor | None,
    edges: Edges,
) -> Tensor:
    """The same on a CPU by compiled loops."""
    result: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
        z, of_source, of_target, of_edge, bias, residual, edges
    )
    return result


class _Attention(Function):
    """`attend` with its gradient by hand: one node of the autograd graph."""

    @staticmethod
    def forward(  # noqa: PLR0913 - what autograd hands over
        ctx: FunctionCtx,
        z: Tensor,
        of_source: Tensor,
        of_target: Tensor,
        of_edge: Tensor,
        bias: Tensor,
        residual: Tensor | None,
        edges: Edges,
    ) -> Tensor:
        """Forward pass; see `attend_plainly`."""
        first, source = edges.first.numpy(), edges.source.numpy()
        x, one, other, own = (p.detach().numpy() for p in (z, of_source, of_target, of_edge))
        score, below = scores(x, one, other, own, first, source, NEGATIVE_SLOPE)
        weight = torch.from_numpy(score).exp_()
        total = weighted_sums(weight.numpy(), x, first, source)
        update = torch.from_numpy(total).view(len(z), -1).add_(bias)
        if residual is not None:
            update.add_(residual)
        out = functional.elu_(update)
        ctx.save_for_backward(z, of_source, of_target, weight, out)
        ctx.rest = first, source, below  # type: ignore[attr-defined]
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of what `forward` took."""
        z, of_source, of_target, weight, out = ctx.saved_tensors
        first, source, below = ctx.rest
        before = torch.ops.aten.elu_backward(gradient, 1.0, 1.0, 1.0, True, out)
        x, one, other = (part.detach().numpy() for part in (z, of_source, of_target))
        pull = before.view_as(z).numpy()
        found = gradients(pull, weight.numpy(), below, x, one, other, first, source, NEGATIVE_SLOPE)
        residual = before if ctx.needs_input_grad[5] else None
        return *(torch.from_numpy(part) for part in found), before.sum(0), residual, None


def pool(x: Tensor, first: Tensor, poolings: tuple[str, ...]) -> list[Tensor]:
    """Pools the nodes of each window.

    Args:
        x: Nodes [N, D], in order of their windows.
        first: First node of each window [B + 1], int64.
        poolings: `mean`, `max`.

    Returns:
        One [B, D] for each pooling; 0 where a window has no node.
    """
    if not x.is_cuda:
        return list(_Pool.apply(x, first, poolings))  # type: ignore[no-untyped-call]
    counts = first.diff()
    window = torch.arange(len(counts), device=x.device).repeat_interleave(counts)
    place = window[:, None].expand_as(x)
    empty = x.new_zeros(len(counts), x.shape[1])
    reduce = {"mean": "mean", "max": "amax"}
    return [empty.scatter_reduce(0, place, x, reduce[n], include_self=False) for n in poolings]


class _Pool(Function):
    """`pool` with its gradient by hand: one node of the autograd graph, one gradient of x."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, first: Tensor, poolings: tuple[str, ...]
    ) -> tuple[Tensor, ...]:
        nodes, begins = x.detach().numpy(), first.numpy()
        pooled, at = [], None
        for name in poolings:
            if name == "mean":
                pooled.append(means(nodes, begins))
            else:
                largest, at = maxima(nodes, begins)
                pooled.append(largest)
        ctx.rest = begins, at, poolings, x.shape  # type: ignore[attr-defined]
        return tuple(map(torch.from_numpy, pooled))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        begins, at, poolings, shape = ctx.rest
        pulls = {n: g.contiguous().numpy() for n, g in zip(poolings, gradients, strict=True)}
        of_x = gradients[0].new_empty(shape)
        if "mean" in pulls:
            of_means(pulls["mean"], begins, of_x.numpy())
        else:
            of_x.zero_()
        if "max" in pulls:
            of_maxima(pulls["max"], at, of_x.numpy())
        return of_x, None, None
