"""Layers of the networks for one window's graph, in memory that is allocated once.

The same numbers as the modules give, but for the order of sums.
"""

from __future__ import annotations

import numpy as np

from can_train.compiled import compiled
from can_train.detectors.kernels.attention import NEGATIVE_SLOPE
from can_train.detectors.kernels.elementary import exponential
from can_train.detectors.kernels.stacks import (
    AttentionStack,
    DenseStack,
    LayerRoom,
    Real,
    Residual,
)


@compiled()
def cut(weights: Real, at: int, rows: int, columns: int) -> Real:
    """The matrix [rows, columns] that begins at `at`."""
    return weights[at : at + rows * columns].reshape(rows, columns)


@compiled(reassociates=True)
def add_product(x: Real, rows: int, matrix: Real, out: Real) -> None:
    """Adds x @ matrix to the first rows of `out`; four inputs at a time, so that it is fast."""
    inputs, width = matrix.shape
    whole = inputs - inputs % 4
    for row in range(rows):
        to = out[row]
        for k in range(0, whole, 4):
            a, b, c, d = x[row, k], x[row, k + 1], x[row, k + 2], x[row, k + 3]
            of_a, of_b, of_c, of_d = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
            for j in range(width):
                to[j] += a * of_a[j] + b * of_b[j] + c * of_c[j] + d * of_d[j]
        for k in range(whole, inputs):
            a, of_a = x[row, k], matrix[k]
            for j in range(width):
                to[j] += a * of_a[j]


@compiled(reassociates=True)
def elu(x: Real, rows: int, width: int) -> None:
    """Exponential linear unit of the first rows and columns, in place."""
    for row in range(rows):
        of = x[row]
        for j in range(width):
            below = exponential(min(of[j], np.float32(0.0))) - np.float32(1.0)
            of[j] = of[j] if of[j] > 0 else below


@compiled(reassociates=True)
def dense(stack: DenseStack, rows: int, room: LayerRoom, rectified: bool) -> None:
    """Replaces the first rows of `room.x` by the output of fully connected layers.

    Args:
        stack: The layers.
        rows: Number of rows.
        room: Input and output.
        rectified: Whether layers but the last are followed by a rectifier, else by an ELU.
    """
    x, y = room.x, room.y
    at = 0
    for layer in range(len(stack.widths) - 1):
        inputs, width = stack.widths[layer], stack.widths[layer + 1]
        matrix, at = cut(stack.weights, at, inputs, width), at + inputs * width
        _fill(y, rows, stack.weights[at : at + width])
        at += width
        add_product(x, rows, matrix, y)
        last = layer == len(stack.widths) - 2
        if rectified and not last:
            _rectify(y, rows, width)
        elif not last:
            elu(y, rows, width)
        _copy(y, rows, width, x)


@compiled(reassociates=True)
def attend(stack: AttentionStack, layer: int, at: int, nodes: int, room: LayerRoom) -> int:
    """Replaces the first rows of `room.x` by the output of one attention layer.

    Args:
        stack: The layers.
        layer: Which of them.
        at: Where its weights begin.
        nodes: Number of nodes.
        room: Input and output; its edges are those of the window.

    Returns:
        Where the weights of the next layer begin.
    """
    inputs, heads, channels, residual = stack.sizes[layer]
    width, edge_channels = heads * channels, room.edge.shape[1]
    weights, x, y, z = stack.weights, room.x, room.y, room.z
    projection, own = cut(weights, at, inputs, width), at + inputs * width
    at = own + (inputs * width if residual == Residual.LEARNED else 0)
    ends, at = cut(weights, at, 2, width), at + 2 * width
    of_edge, at = cut(weights, at, edge_channels, heads), at + edge_channels * heads
    _fill(y, nodes, weights[at : at + width])
    if residual == Residual.LEARNED:
        add_product(x, nodes, cut(weights, own, inputs, width), y)
    elif residual == Residual.INPUT:
        _add(x, nodes, width, y)
    z[:nodes, :width] = 0.0
    add_product(x, nodes, projection, z)
    _score(ends, of_edge, nodes, room)
    _gather(nodes, heads, channels, room)
    elu(y, nodes, width)
    _copy(y, nodes, width, x)
    return int(at + width)


@compiled(reassociates=True)
def _score(ends: Real, of_edge: Real, nodes: int, room: LayerRoom) -> None:
    """Exponentials of the edges' scores, less the largest one of their target, in `room.score`."""
    heads = of_edge.shape[1]
    _score_ends(ends, nodes, heads, room)
    slope = np.float32(NEGATIVE_SLOPE)
    for node in range(nodes):
        begin, end = room.first[node], room.first[node + 1]
        for head in range(heads):
            largest = np.float32(-np.inf)
            for edge in range(begin, end):
                value = room.ends[0, room.source[edge], head] + room.ends[1, node, head]
                for k in range(of_edge.shape[0]):
                    value += room.edge[edge, k] * of_edge[k, head]
                value = value * slope if value < 0 else value
                room.score[edge, head] = value
                largest = max(largest, value)
            for edge in range(begin, end):
                room.score[edge, head] -= largest
    for edge in range(room.first[nodes]):
        for head in range(heads):
            room.score[edge, head] = exponential(room.score[edge, head])


@compiled(reassociates=True)
def _score_ends(ends: Real, nodes: int, heads: int, room: LayerRoom) -> None:
    """What each node adds to a score as source and as target, in `room.ends`."""
    channels = ends.shape[1] // heads
    for node in range(nodes):
        own = room.z[node]
        for head in range(heads):
            one = other = np.float32(0.0)
            for c in range(head * channels, (head + 1) * channels):
                one += own[c] * ends[0, c]
                other += own[c] * ends[1, c]
            room.ends[0, node, head], room.ends[1, node, head] = one, other


@compiled(reassociates=True)
def _gather(nodes: int, heads: int, channels: int, room: LayerRoom) -> None:
    """Adds to each node in `room.y` the mean of its sources, weighted by `room.score`."""
    for node in range(nodes):
        to = room.y[node]
        for head in range(heads):
            total = np.float32(0.0)
            for edge in range(room.first[node], room.first[node + 1]):
                total += room.score[edge, head]
            for edge in range(room.first[node], room.first[node + 1]):
                share = room.score[edge, head] / total
                of = room.z[room.source[edge]]
                for c in range(head * channels, (head + 1) * channels):
                    to[c] += share * of[c]


@compiled()
def _fill(out: Real, rows: int, row: Real) -> None:
    for i in range(rows):
        for j in range(len(row)):
            out[i, j] = row[j]


@compiled()
def _copy(x: Real, rows: int, width: int, out: Real) -> None:
    for i in range(rows):
        for j in range(width):
            out[i, j] = x[i, j]


@compiled()
def _add(x: Real, rows: int, width: int, out: Real) -> None:
    for i in range(rows):
        for j in range(width):
            out[i, j] += x[i, j]


@compiled()
def _rectify(x: Real, rows: int, width: int) -> None:
    for i in range(rows):
        for j in range(width):
            x[i, j] = max(x[i, j], np.float32(0.0))
