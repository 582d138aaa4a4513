"""A layer of graph attention on a CPU by compiled loops, its gradients by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from can_train.detectors.edges import Edges
from can_train.detectors.kernels.attention import (
    NEGATIVE_SLOPE,
    activated_sums,
    exponentials,
    gradients,
)
from can_train.detectors.kernels.pooling import maxima, means, of_activated, of_pooled
from can_train.detectors.linear import factor, product, product_of_columns, rounding
from can_train.detectors.pooling import Pooling


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWeights:
    """What a layer of H heads of width C has learned, for nodes [N, F] and edges [P, G].

    Attributes:
        projection: [H*C, F].
        residual: Of the learned residual [H*C, F]; None: there is none.
        of_source, of_target: Attention of either end [H, C].
        of_edge: What an edge's features add to its score [H, G]; None: nothing.
        bias: [H*C].
    """

    projection: Tensor
    residual: Tensor | None
    of_source: Tensor
    of_target: Tensor
    of_edge: Tensor | None
    bias: Tensor


def attend(
    x: Tensor,
    weights: LayerWeights,
    edges: Edges,
    residual: Tensor | None = None,
    pooling: Pooling | None = None,
) -> tuple[Tensor, Tensor | None]:
    """The nodes after attention, and pooled: one node of autograd's graph.

    Args:
        x: Nodes [N, F].
        weights: Of the layer.
        edges: Sorted edges.
        residual: Added to each node where the layer has learned none [N, H*C].
        pooling: How its output is pooled, if it is.

    Returns:
        [N, H*C], and pooled by K poolings [B, K*H*C].
    """
    if weights.residual is not None:
        residual = None
    same = residual is x
    out, pooled = _Attention.apply(  # type: ignore[no-untyped-call]
        x,
        weights.projection,
        weights.residual,
        weights.of_source,
        weights.of_target,
        weights.of_edge,
        weights.bias,
        None if same else residual,
        _Rest(edges=edges, pooling=pooling, same=same, rounded=rounding()),
    )
    return out, pooled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """What has no gradient; whether the nodes themselves are the residual."""

    edges: Edges
    pooling: Pooling | None
    same: bool
    rounded: bool


class _Attention(Function):
    """`attend` with its gradients by hand."""

    @staticmethod
    def forward(  # noqa: PLR0913 - what autograd hands over
        ctx: Any,
        x: Tensor,
        projection: Tensor,
        own_projection: Tensor | None,
        of_source: Tensor,
        of_target: Tensor,
        of_edge: Tensor | None,
        bias: Tensor,
        residual: Tensor | None,
        rest: _Rest,
    ) -> tuple[Tensor, Tensor | None]:
        """Forward pass."""
        ctx.set_materialize_grads(False)
        edges, rounded = rest.edges, rest.rounded
        first, source = edges.first.numpy(), edges.source.numpy()
        ends = torch.stack([of_source, of_target], dim=1)
        by_head = projection.view(*of_source.shape, -1)
        stacked = torch.cat([projection, torch.bmm(ends, by_head).flatten(0, 1)])
        nodes, features = factor(x, rounded), edges.features
        z = product(nodes, stacked.t(), len(x))
        if of_edge is None:
            from_edge = z.new_zeros(len(source), len(of_source))
        else:
            features = factor(features, rounded)
            from_edge = product(features, of_edge.t(), len(source))
        weight, below = exponentials(z.numpy(), from_edge.numpy(), first, source, NEGATIVE_SLOPE)
        if own_projection is not None:
            own = out = product(nodes, own_projection.t(), len(x))
        else:
            own = x if rest.same else (residual if residual is not None else z[:0, : len(bias)])
            own, out = own.contiguous(), z.new_empty(len(x), len(bias))
        own_nodes, added = own.detach().numpy(), bias.detach().numpy()
        activated_sums(weight, z.numpy(), own_nodes, added, first, source, out.numpy())
        pooled, at = _pooled(out, rest.pooling)
        ctx.save_for_backward(nodes, features, projection, own_projection, ends, stacked, z, out)
        ctx.rest, ctx.found = rest, (weight, below, at)
        return out, pooled

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, gradient: Tensor | None, of_pool: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        """Gradients of what `forward` took."""
        nodes, features, projection, own_projection, ends, stacked, z, out = ctx.saved_tensors
        rest, (weight, below, at) = ctx.rest, ctx.found
        before = _before(gradient, of_pool, at, out, rest.pooling)
        edges, rounded = rest.edges, rest.rounded
        first, source = edges.first.numpy(), edges.source.numpy()
        pulls = gradients(before, weight, below, z.numpy(), first, source, NEGATIVE_SLOPE)
        (of_z, of_score), of_out = map(torch.from_numpy, pulls), torch.from_numpy(before)
        of_x = of_own = of_edge = None
        pull, own_pull = factor(of_z, rounded), of_out
        if own_projection is not None:
            own_pull = factor(of_out, rounded)
            of_own = product_of_columns(own_pull, nodes)
        if ctx.needs_input_grad[0]:
            of_x = product(pull, stacked, len(of_z))
            if own_projection is not None:
                of_x += product(own_pull, own_projection, len(of_z))
            elif rest.same:
                of_x += of_out
        if ctx.needs_input_grad[5]:
            of_edge = product_of_columns(factor(of_score, rounded), features)
        of_projection, of_ends = _apart(product_of_columns(pull, nodes), projection, ends)
        return (
            of_x, of_projection, of_own, of_ends[:, 0], of_ends[:, 1], of_edge, of_out.sum(0),
            of_out if ctx.needs_input_grad[7] else None, None,
        )  # fmt: skip


def _apart(of_stacked: Tensor, projection: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of the projection [H*C, F] and of both ends [H, 2, C], from that of their stack."""
    heads, _, width = ends.shape
    by_head = projection.view(heads, width, -1)
    of_projection = of_stacked[: len(projection)]
    of_products = of_stacked[len(projection) :].view(heads, 2, -1)
    of_projection.view_as(by_head).baddbmm_(ends.transpose(1, 2), of_products)
    return of_projection, torch.bmm(of_products, by_head.transpose(1, 2))


def _pooled(out: Tensor, pooling: Pooling | None) -> tuple[Tensor | None, NDArray[np.int32] | None]:
    """What is pooled, and where the maxima were found."""
    if pooling is None:
        return None, None
    nodes, first, width = out.numpy(), pooling.first.numpy(), out.shape[1]
    pooled = out.new_empty(len(first) - 1, width * len(pooling.names))
    at = None
    for number, name in enumerate(pooling.names):
        if name == "mean":
            means(nodes, first, pooled.numpy(), number * width)
        else:
            at = maxima(nodes, first, pooled.numpy(), number * width)
    return pooled, at


def _before(
    gradient: Tensor | None,
    of_pool: Tensor | None,
    at: NDArray[np.int32] | None,
    out: Tensor,
    pooling: Pooling | None,
) -> NDArray[Any]:
    """Gradient of what the ELU was given, from those of its output and of what is pooled."""
    if pooling is None or of_pool is None:
        assert gradient is not None  # else there is no gradient to ask for
        of_activated_by = gradient.contiguous().numpy()
        found: NDArray[Any] = of_activated(of_activated_by, out.numpy())
        return found
    width, names = out.shape[1], pooling.names
    begins = [names.index(name) * width if name in names else -1 for name in ("mean", "max")]
    more = out[:0] if gradient is None else gradient.contiguous()
    places = np.empty((0, width), np.int32) if at is None else at
    found = of_pooled(
        more.numpy(), of_pool.contiguous().numpy(), places, (begins[0], begins[1]),
        pooling.first.numpy(), out.numpy(),
    )  # fmt: skip
    return found
