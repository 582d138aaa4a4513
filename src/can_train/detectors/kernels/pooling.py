"""Compiled pooling of a window's nodes on a CPU, the ELU before it, and their gradients.

N nodes of width D in order of their windows, B windows, K poolings beside each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled

Real = NDArray[np.floating]
Whole = NDArray[np.int64]


@compiled(reassociates=True, divides=True)
def means(x: Real, first: Whole, pooled: Real, begin: int) -> None:
    """Writes the mean of each window's nodes; 0 where it has none.

    Args:
        x: Nodes [N, D].
        first: First node of each window [B + 1].
        pooled: Where they go [B, K*D].
        begin: Their first column.
    """
    x, first, pooled = borrowed((x, first, pooled))
    width = x.shape[1]
    for window in range(len(first) - 1):
        mean = pooled[window, begin : begin + width]
        for c in range(width):
            mean[c] = 0
        for node in range(first[window], first[window + 1]):
            row = x[node]
            for c in range(width):
                mean[c] += row[c]
        number = x.dtype.type(max(first[window + 1] - first[window], 1))
        for c in range(width):
            mean[c] /= number


@compiled()
def maxima(x: Real, first: Whole, pooled: Real, begin: int) -> NDArray[np.int32]:
    """Writes the largest value of each window's nodes; 0 where it has none.

    Args:
        x, first, pooled, begin: As for `means`.

    Returns:
        The first node that has it [B, D]; -1 where a window has no node.
    """
    at = np.full((len(first) - 1, x.shape[1]), -1, np.int32)
    x, first, pooled, places = borrowed((x, first, pooled, at))
    width = x.shape[1]
    for window in range(len(first) - 1):
        largest, place = pooled[window, begin : begin + width], places[window]
        if first[window] == first[window + 1]:
            for c in range(width):
                largest[c] = 0
            continue
        for c in range(width):
            largest[c], place[c] = x[first[window], c], first[window]
        for node in range(first[window] + 1, first[window + 1]):
            row, number = x[node], np.int32(node)
            for c in range(width):
                value = row[c]
                better = (value > largest[c]) | (value != value)  # not a number isn't lost
                largest[c] = value if better else largest[c]
                place[c] = number if better else place[c]
    return at


@compiled(reassociates=True, divides=True)
def of_pooled(  # noqa: C901 - compiled functions take arrays, no objects
    gradient: Real,
    pulls: Real,
    at: NDArray[np.int32],
    columns: tuple[int, int],
    first: Whole,
    out: Real,
) -> Real:
    """Gradient of what the ELU was given whose output was pooled [N, D].

    Args:
        gradient: Of the output, from elsewhere [N, D]; from nowhere [0, D].
        pulls: Of what was pooled [B, K*D].
        at: Nodes with the maxima [B, D].
        columns: First ones of means and of maxima; -1: there are none.
        first: First node of each window [B + 1].
        out: The output [N, D].
    """
    found = np.empty_like(out)
    gradient, pulls, at, first, out = borrowed((gradient, pulls, at, first, out))
    to, (of_mean, of_maximum) = borrowed(found), columns
    width, more = out.shape[1], len(gradient) > 0
    one, zero = out.dtype.type(1), out.dtype.type(0)
    share = np.zeros(width, out.dtype)
    for window in range(len(first) - 1):
        begin, end = first[window], first[window + 1]
        if of_mean >= 0:
            part = one / out.dtype.type(max(end - begin, 1))
            for c in range(width):
                share[c] = pulls[window, of_mean + c] * part
        for node in range(begin, end):
            row = to[node]
            if more:
                for c in range(width):
                    row[c] = gradient[node, c] + share[c]
            else:
                for c in range(width):
                    row[c] = share[c]
        if of_maximum >= 0 and end > begin:
            for c in range(width):
                to[at[window, c], c] += pulls[window, of_maximum + c]
        for node in range(begin, end):
            for c in range(width):
                value = out[node, c]
                to[node, c] *= one + (value if value < 0 else zero)
    return found


@compiled(reassociates=True)
def of_activated(gradient: Real, out: Real) -> Real:
    """Gradient of what an ELU was given, from that of its output and the output itself [N, D]."""
    found = np.empty_like(out)
    pulls, of, to = (
        borrowed(gradient.reshape(-1)),
        borrowed(out.reshape(-1)),
        borrowed(found.reshape(-1)),
    )
    one, zero = out.dtype.type(1), out.dtype.type(0)
    for k in range(len(to)):
        value = of[k]
        to[k] = pulls[k] * (one + (value if value < 0 else zero))
    return found
