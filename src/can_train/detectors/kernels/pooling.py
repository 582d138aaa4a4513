"""Compiled pooling of a window's nodes on a CPU: mean and maximum, and their gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled

Real = NDArray[np.floating]
Whole = NDArray[np.int64]


@compiled(reassociates=True)
def means(x: Real, first: Whole) -> Real:
    """Mean of each window's nodes [B, D]; 0 where it has none.

    Args:
        x: Nodes [N, D], in order of their windows.
        first: First node of each window [B + 1].
    """
    mean = np.zeros((len(first) - 1, x.shape[1]), x.dtype)
    for window in range(len(first) - 1):
        for node in range(first[window], first[window + 1]):
            for c in range(x.shape[1]):
                mean[window, c] += x[node, c]
        number = max(first[window + 1] - first[window], 1)
        for c in range(x.shape[1]):
            mean[window, c] /= number
    return mean


@compiled()
def maxima(x: Real, first: Whole) -> tuple[Real, Whole]:
    """Largest value of each window's nodes [B, D] and the first node that has it [B, D].

    0 and -1 where a window has no node; see `means` for the arguments.
    """
    shape = (len(first) - 1, x.shape[1])
    largest, at = np.zeros(shape, x.dtype), np.full(shape, -1, np.int64)
    for window in range(shape[0]):
        begin = first[window]
        if begin == first[window + 1]:
            continue
        for c in range(shape[1]):
            largest[window, c], at[window, c] = x[begin, c], begin
        for node in range(begin + 1, first[window + 1]):
            for c in range(shape[1]):
                if x[node, c] > largest[window, c] or np.isnan(x[node, c]):
                    largest[window, c], at[window, c] = x[node, c], node
    return largest, at


@compiled()
def of_means(gradient: Real, first: Whole, of_x: Real) -> None:
    """Writes the gradient of the nodes [N, D] from that of their means [B, D]."""
    for window in range(len(first) - 1):
        share = gradient[window] / gradient.dtype.type(max(first[window + 1] - first[window], 1))
        for node in range(first[window], first[window + 1]):
            to = of_x[node]
            for c in range(of_x.shape[1]):
                to[c] = share[c]


@compiled()
def of_maxima(gradient: Real, at: Whole, of_x: Real) -> None:
    """Adds the gradient of maxima [B, D], found at nodes [B, D], to that of the nodes [N, D]."""
    for window in range(at.shape[0]):
        for c in range(at.shape[1]):
            if at[window, c] >= 0:
                of_x[at[window, c], c] += gradient[window, c]
