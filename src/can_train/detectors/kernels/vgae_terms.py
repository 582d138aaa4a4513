"""Compiled terms of the VGAE's loss on a CPU, and their gradients.

N nodes, latents of width L, features of width F, C known IDs. Means are over what `counts` counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled
from can_train.detectors.kernels.elementary import exp_of, log1p_of

Real = NDArray[np.floating]
Whole = NDArray[np.int64]


@compiled(reassociates=True)
def squares(found: Real, wanted: Real, weight: float, pull: Real) -> float:
    """Mean squared error, and its gradient times `weight` [N, F]."""
    found, wanted, pull = borrowed((found, wanted, pull))
    nodes, width = found.shape
    zero, share = found.dtype.type(0), found.dtype.type(2.0 * weight / max(nodes * width, 1))
    total = 0.0
    for node in range(nodes):
        of_node = zero
        for c in range(width):
            difference = found[node, c] - wanted[node, c]
            of_node += difference * difference
            pull[node, c] = difference * share
        total += float(of_node)
    return float(total / (nodes * width))


@compiled()
def _largest(row: Real) -> np.floating:
    """The largest entry; four at a time, since one after the other waits for each comparison."""
    a = b = c = d = row[0]
    whole = len(row) - len(row) % 4
    for k in range(0, whole, 4):
        a = row[k] if row[k] > a else a
        b = row[k + 1] if row[k + 1] > b else b
        c = row[k + 2] if row[k + 2] > c else c
        d = row[k + 3] if row[k + 3] > d else d
    for k in range(whole, len(row)):
        a = row[k] if row[k] > a else a
    return max(max(a, b), max(c, d))


@compiled(reassociates=True, divides=True)
def own_ids(logits: Real, index: Whole, weight: float, pull: Real) -> float:
    """Mean cross-entropy of the known nodes' own IDs, and its gradient times `weight`.

    Args:
        logits: Column c belongs to ID index c + 1 [N, C].
        index: ID index of each node [N]; 0 is unknown.
        weight: Of the gradient.
        pull: Where the gradient goes [N, C].
    """
    logits, index, pull = borrowed((logits, index, pull))
    nodes, classes = logits.shape
    zero = logits.dtype.type(0)
    known = 0
    for node in range(nodes):
        known += index[node] > 0
    share = weight / max(known, 1)
    total = 0.0
    for node in range(nodes):
        row, to, own = logits[node], pull[node], index[node] - 1
        if own < 0:
            for c in range(classes):
                to[c] = zero
            continue
        largest = _largest(row)
        mass = zero
        for c in range(classes):
            part = exp_of(row[c] - largest)
            to[c] = part
            mass += part
        part = logits.dtype.type(share / mass)
        for c in range(classes):
            to[c] *= part
        to[own] -= logits.dtype.type(share)
        total += np.log(np.float64(mass)) + largest - row[own]
    return total / max(known, 1)


@compiled()
def beside(edges: Whole, index: Whole, classes: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which known IDs each node has an edge with [N, C + 1], unknown first; whether any [N].

    Args:
        edges: Source and target of each edge [2, E].
        index: ID index of each node [N]; 0 is unknown.
        classes: C.
    """
    hot, some = np.zeros((len(index), classes + 1), np.bool_), np.zeros(len(index), np.bool_)
    is_hot, is_some, edges, index = borrowed((hot, some, edges, index))
    for edge in range(edges.shape[1]):
        source, target = edges[0, edge], edges[1, edge]
        is_hot[source, index[target]] = True
        is_hot[target, index[source]] = True
        is_some[source] |= index[target] > 0
        is_some[target] |= index[source] > 0
    for node in range(len(index)):
        is_some[node] &= index[node] > 0
    return hot, some


@compiled(reassociates=True, divides=True)
def neighbour_ids(
    logits: Real, hot: NDArray[np.bool_], some: NDArray[np.bool_], weight: float, pull: Real
) -> float:
    """Mean binary cross-entropy of neighbours' IDs, and its gradient times `weight`.

    Args:
        logits: Column c belongs to ID index c + 1 [N, C].
        hot, some: What `beside` gives; nodes without any are no part of it.
        weight: Of the gradient.
        pull: Where the gradient goes [N, C].
    """
    logits, hot, some, pull = borrowed((logits, hot, some, pull))
    nodes, classes = logits.shape
    one, zero = logits.dtype.type(1), logits.dtype.type(0)
    known = 0
    for node in range(nodes):
        known += some[node]
    share = logits.dtype.type(weight / (max(known, 1) * classes))
    total = 0.0
    for node in range(nodes):
        row, to, near = logits[node], pull[node], hot[node]
        if not some[node]:
            for c in range(classes):
                to[c] = zero
            continue
        error = zero
        for c in range(classes):
            logit = row[c]
            above = logit > 0
            less = exp_of(-logit if above else logit)
            target = one if near[c + 1] else zero
            error += log1p_of(less) + (logit if above else zero) - logit * target
            to[c] = ((one if above else less) / (one + less) - target) * share
        total += error / classes
    return total / max(known, 1)


@compiled(reassociates=True)
def divergence(mu: Real, logvar: Real, weight: float, pulls: tuple[Real, Real]) -> float:
    """Mean KL divergence from the standard normal, and its gradients times `weight` [N, L] each."""
    mu, logvar, (of_mu, of_logvar) = borrowed((mu, logvar, pulls))
    nodes, width = mu.shape
    share = mu.dtype.type(weight / max(nodes * width, 1))
    zero, half, one = mu.dtype.type(0), mu.dtype.type(0.5), mu.dtype.type(1)
    total = 0.0
    for node in range(nodes):
        of_node = zero
        for c in range(width):
            mean, spread = mu[node, c], logvar[node, c]
            variance = exp_of(spread)
            of_node += mean * mean + variance - spread - one
            of_mu[node, c] = mean * share
            of_logvar[node, c] = half * share * (variance - one)
        total += float(of_node)
    return float(0.5 * total / (nodes * width))
