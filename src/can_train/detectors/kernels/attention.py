"""Compiled parts of graph attention on a CPU: scores, weighted sums, and their gradients.

Arrays are of one floating-point type. N nodes, H heads of width C, P edges in order of their
targets. The matrix products around these loops are torch's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled
from can_train.detectors.kernels.elementary import exp_of, expm1_of

NEGATIVE_SLOPE: Final = 0.2
"""Of the leaky rectifier of scores (Velickovic et al., section 2.1)."""

Real = NDArray[np.floating]
Whole = NDArray[np.int64]


@compiled()
def by_target(
    source: Whole, target: Whole, features: Real, nodes: int, loops: bool
) -> tuple[Whole, Whole, Real]:
    """Edges in order of their targets.

    Args:
        source: Of each edge [E].
        target: Of each edge [E].
        features: Of each edge [E, G].
        nodes: N.
        loops: Whether every node gets an edge to itself, behind the others.

    Returns:
        First edge of each node [N + 1], source of each edge [P] and its features: [P, G], with
        loops [P, G + 1], the last one 1 for them and 0 for all others.
    """
    more = 1 if loops else 0
    first = np.zeros(nodes + 1, np.int64)
    for edge in range(len(target)):
        first[target[edge] + 1] += 1
    for node in range(nodes):
        first[node + 1] += first[node] + more
    place = first[:-1].copy()
    sources = np.empty(first[-1], np.int64)
    channels = features.shape[1]
    ordered = np.zeros((first[-1], channels + more), features.dtype)
    for edge in range(len(target)):
        at = place[target[edge]]
        sources[at] = source[edge]
        of, to = features[edge], ordered[at]
        for channel in range(channels):
            to[channel] = of[channel]
        place[target[edge]] += 1
    if loops:
        for node in range(nodes):
            sources[place[node]], ordered[place[node], channels] = node, 1
    return first, sources, ordered


@compiled(reassociates=True)
def exponentials(  # noqa: C901, PLR0913 - compiled functions take arrays, no objects
    z: Real,
    of_source: Real,
    of_target: Real,
    of_edge: Real,
    first: Whole,
    source: Whole,
    slope: float,
) -> tuple[Real, NDArray[np.bool_]]:
    """Exponentials of the attention scores, less the largest one of their target.

    Args:
        z: Projected nodes [N, H, C].
        of_source: Attention of the source [H, C].
        of_target: Attention of the target [H, C].
        of_edge: What the edge itself adds [P, H].
        first: First edge of each node [N + 1].
        source: Of each edge [P].
        slope: Of the leaky rectifier below zero.

    Returns:
        Exponentials [P, H], and which scores were below zero [P, H].
    """
    z, of_source, of_target, of_edge = borrowed((z, of_source, of_target, of_edge))
    first, source = borrowed((first, source))
    nodes, heads, width = z.shape
    below_zero = z.dtype.type(slope)
    as_source, as_target = np.empty((nodes, heads), z.dtype), np.empty((nodes, heads), z.dtype)
    for node in range(nodes):
        for head in range(heads):
            one = other = z.dtype.type(0)
            own, as_one, as_other = z[node, head], of_source[head], of_target[head]
            for c in range(width):
                one += own[c] * as_one[c]
                other += own[c] * as_other[c]
            as_source[node, head], as_target[node, head] = one, other
    weight = np.empty_like(of_edge)
    below = np.empty(of_edge.shape, np.bool_)
    score, is_below = borrowed(weight), borrowed(below)
    largest = np.empty(heads, z.dtype)
    for node in range(nodes):
        for head in range(heads):
            largest[head] = -np.inf
        for edge in range(first[node], first[node + 1]):
            for head in range(heads):
                value = as_source[source[edge], head] + as_target[node, head] + of_edge[edge, head]
                is_below[edge, head] = value < 0
                value = value * below_zero if value < 0 else value
                score[edge, head] = value
                largest[head] = max(largest[head], value)
        for edge in range(first[node], first[node + 1]):
            for head in range(heads):
                score[edge, head] -= largest[head]
    flat = borrowed(weight.reshape(-1))
    for at in range(len(flat)):
        flat[at] = exp_of(flat[at])
    return weight, below


@compiled(reassociates=True, divides=True)
def activated_sums(  # noqa: C901, PLR0913 - compiled functions take arrays, no objects
    weight: Real, z: Real, own: Real, bias: Real, first: Whole, source: Whole, out: Real
) -> None:
    """Weighted sums of the sources of each node, plus what is added to it, behind an ELU.

    Args:
        weight: Exponentials of the scores [P, H]; divided by their sum over each node's edges.
        z: Projected nodes [N, H, C].
        own: Residual of each node [N, H*C]; without one [0, H*C].
        bias: [H*C].
        first: First edge of each node [N + 1].
        source: Of each edge [P].
        out: Where they go [N, H*C]; may be `own` itself.
    """
    weight, z, own, bias = borrowed((weight, z, own, bias))
    first, source, out = borrowed((first, source, out))
    nodes, heads, width = z.shape
    real, whole, added = z.dtype.type, heads * width, len(own) > 0
    total = np.empty(heads, z.dtype)
    for node in range(nodes):
        row = out[node]
        if added:
            of = own[node]
            for c in range(whole):
                row[c] = bias[c] + of[c]
        else:
            for c in range(whole):
                row[c] = bias[c]
        for head in range(heads):
            total[head] = 0
        for edge in range(first[node], first[node + 1]):
            for head in range(heads):
                total[head] += weight[edge, head]
        for edge in range(first[node], first[node + 1]):
            for head in range(heads):
                share = weight[edge, head] / total[head]
                weight[edge, head] = share
                to, of = row[head * width : (head + 1) * width], z[source[edge], head]
                for c in range(width):
                    to[c] += share * of[c]
        for c in range(whole):
            value = row[c]
            less = expm1_of(value if value < 0 else real(0))
            row[c] = less if value < 0 else value


@compiled(reassociates=True)
def gradients(  # noqa: C901, PLR0913 - one pass over edges, one over nodes
    gradient: Real,
    weight: Real,
    below: NDArray[np.bool_],
    z: Real,
    of_source: Real,
    of_target: Real,
    first: Whole,
    source: Whole,
    slope: float,
) -> tuple[Real, Real, Real, Real]:
    """Gradients of `z`, `of_source`, `of_target` and `of_edge`, from that of the sums [N, H, C].

    Args:
        gradient: Of the sums [N, H, C].
        weight: Attention weights [P, H].
        below: Which scores were below zero [P, H].
        z, of_source, of_target, first, source, slope: As for `exponentials`.
    """
    gradient, weight, below, z = borrowed((gradient, weight, below, z))
    of_source, of_target = borrowed((of_source, of_target))
    first, source = borrowed((first, source))
    nodes, heads, width = z.shape
    below_zero = z.dtype.type(slope)
    found, pulls = np.zeros_like(z), np.empty_like(weight)
    of_z, pull = borrowed((found, pulls))
    as_source, as_target = np.zeros((nodes, heads), z.dtype), np.zeros((nodes, heads), z.dtype)
    mean = np.empty(heads, z.dtype)
    for node in range(nodes):
        for head in range(heads):
            mean[head] = 0
        for edge in range(first[node], first[node + 1]):
            for head in range(heads):
                share, of_sum = weight[edge, head], gradient[node, head]
                to, of = of_z[source[edge], head], z[source[edge], head]
                inner = z.dtype.type(0)
                for c in range(width):
                    inner += of_sum[c] * of[c]
                for c in range(width):
                    to[c] += share * of_sum[c]
                pull[edge, head] = inner
                mean[head] += share * inner
        for edge in range(first[node], first[node + 1]):
            for head in range(heads):
                value = weight[edge, head] * (pull[edge, head] - mean[head])
                value = value * below_zero if below[edge, head] else value
                pull[edge, head] = value
                as_source[source[edge], head] += value
                as_target[node, head] += value
    of_ends = np.zeros((2, heads, width), z.dtype)
    to_source, to_target = borrowed(of_ends[0]), borrowed(of_ends[1])
    for node in range(nodes):
        for head in range(heads):
            one, other = as_source[node, head], as_target[node, head]
            own, to = z[node, head], of_z[node, head]
            for c in range(width):
                to[c] += one * of_source[head, c] + other * of_target[head, c]
            for c in range(width):
                to_source[head, c] += one * own[c]
            for c in range(width):
                to_target[head, c] += other * own[c]
    return found, of_ends[0], of_ends[1], pulls
