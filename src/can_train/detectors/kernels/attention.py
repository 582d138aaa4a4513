"""Compiled parts of graph attention on a CPU: scores, weighted sums, and their gradients.

Arrays are of one floating-point type. N nodes, H heads of width C, P edges in order of their
targets. The matrix products around these loops are torch's; what a node adds to scores is linear in
it, so it comes out of the same product as its projection.
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
def exponentials(
    z: Real, of_edge: Real, first: Whole, source: Whole, slope: float
) -> tuple[Real, NDArray[np.bool_]]:
    """Exponentials of the attention scores, less the largest one of their target.

    Args:
        z: Projected nodes of H heads of width C, and behind them by head what a node adds to a
            score as source and as target [N, H*C + 2*H].
        of_edge: What the edge itself adds [P, H].
        first: First edge of each node [N + 1].
        source: Of each edge [P].
        slope: Of the leaky rectifier below zero.

    Returns:
        Exponentials [P, H], and which scores were below zero [P, H].
    """
    z, of_edge, first, source = borrowed((z, of_edge, first, source))
    heads = of_edge.shape[1]
    ends, below_zero = z.shape[1] - 2 * heads, z.dtype.type(slope)
    weight = np.empty_like(of_edge)
    below = np.empty(of_edge.shape, np.bool_)
    score, is_below = borrowed(weight), borrowed(below)
    largest = np.empty(heads, z.dtype)
    for node in range(len(first) - 1):
        for head in range(heads):
            largest[head] = -np.inf
        for edge in range(first[node], first[node + 1]):
            other = source[edge]
            for head in range(heads):
                at = ends + 2 * head
                value = z[other, at] + z[node, at + 1] + of_edge[edge, head]
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
        z: Projected nodes, with columns behind them [N, H*C + 2*H].
        own: Residual of each node [N, H*C]; without one [0, H*C].
        bias: [H*C].
        first: First edge of each node [N + 1].
        source: Of each edge [P].
        out: Where they go [N, H*C]; may be `own` itself.
    """
    weight, z, own, bias = borrowed((weight, z, own, bias))
    first, source, out = borrowed((first, source, out))
    heads, whole = weight.shape[1], out.shape[1]
    real, width, added = z.dtype.type, whole // heads, len(own) > 0
    total = np.empty(heads, z.dtype)
    for node in range(len(out)):
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
                begin, end = head * width, (head + 1) * width
                to, of = row[begin:end], z[source[edge], begin:end]
                for c in range(width):
                    to[c] += share * of[c]
        for c in range(whole):
            value = row[c]
            less = expm1_of(value if value < 0 else real(0))
            row[c] = less if value < 0 else value


@compiled(reassociates=True)
def gradients(  # noqa: PLR0913 - compiled functions take arrays, no objects
    gradient: Real,
    weight: Real,
    below: NDArray[np.bool_],
    z: Real,
    first: Whole,
    source: Whole,
    slope: float,
) -> tuple[Real, Real]:
    """Gradients of `z` and `of_edge`, from that of the sums [N, H*C].

    Args:
        gradient: Of the sums [N, H*C].
        weight: Attention weights [P, H].
        below: Which scores were below zero [P, H].
        z, first, source, slope: As for `exponentials`.
    """
    gradient, weight, below, z = borrowed((gradient, weight, below, z))
    first, source = borrowed((first, source))
    heads, ends = weight.shape[1], gradient.shape[1]
    width, below_zero = ends // heads, z.dtype.type(slope)
    found, pulls = np.zeros_like(z), np.empty_like(weight)
    of_z, pull = borrowed((found, pulls))
    mean = np.empty(heads, z.dtype)
    for node in range(len(first) - 1):
        for head in range(heads):
            mean[head] = 0
        for edge in range(first[node], first[node + 1]):
            for head in range(heads):
                begin, end = head * width, (head + 1) * width
                share, of_sum = weight[edge, head], gradient[node, begin:end]
                to, of = of_z[source[edge], begin:end], z[source[edge], begin:end]
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
                of_z[source[edge], ends + 2 * head] += value
                of_z[node, ends + 2 * head + 1] += value
    return found, pulls
