"""What the ONNX graphs of all detectors have in common: inputs and layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.kernels.attention import NEGATIVE_SLOPE
from can_train.detectors.kernels.window import STRANGER, WindowInputs
from can_train.detectors.onnx.graph import OnnxGraph, Tensor
from can_train.graphs.scaling import SCALED_LIMIT

Weights = Mapping[str, NDArray[np.floating]]

INPUTS: Final = ("node_x", "node_id", "edge_x", "edge_index", "window")
"""Tensors that a model takes: those of `graphs.batch.RawGraphs`, `batch` as `window`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxWindows:
    """B windows with N nodes and P edges in all, scaled by one detector; names of tensors.

    Attributes:
        x: Scaled node features [N, F].
        nodes: As networks take them: with what they learnt of each ID [N, F + D].
        edge_x: Scaled edge features [P, G].
        source, target: Nodes of each edge [P], int64.
        window: Window of each node [N], int64.
        node_count, window_count: N and B [1], int64.
        per_window: Nodes of each window [B], float32.
        familiarity: How far each window's car is one that was trained on [B], float64.
    """

    x: Tensor
    nodes: Tensor
    edge_x: Tensor
    source: Tensor
    target: Tensor
    window: Tensor
    node_count: Tensor
    window_count: Tensor
    per_window: Tensor
    familiarity: Tensor


def windows_of(g: OnnxGraph, inputs: WindowInputs) -> OnnxWindows:
    """The model's inputs as a network takes them."""
    x = _scaled(g, "node_x", inputs.node_mean, inputs.node_scale)
    one = g.constant([1])
    node_count = g.op("Shape", "node_id")
    window_count = g.op("Add", g.op("ReduceMax", "window", keepdims=1), one)
    id_index = _id_index(g, inputs.ids)
    nodes = x
    if inputs.embedding.shape[1]:
        learnt = g.rows_of(g.constant(inputs.embedding, "embedding"), id_index)
        nodes = g.op("Concat", x, learnt, axis=1)
    ones = g.filled(node_count, None, 1.0, np.float32)
    per_window = g.sums(ones, "window", window_count)
    known = g.cast(g.op("Greater", id_index, g.constant([0])), np.float64)
    share = g.op(
        "Div",
        g.sums(known, "window", window_count, dtype=np.float64),
        g.cast(per_window, np.float64),
    )
    beyond = g.op("Sub", share, g.number(STRANGER, np.float64))
    far = g.op("Div", beyond, g.number(1.0 - STRANGER, np.float64))
    return OnnxWindows(
        x=x,
        nodes=nodes,
        edge_x=_scaled(g, "edge_x", inputs.edge_mean, inputs.edge_scale),
        source=g.rows_of("edge_index", g.constant(np.array(0))),
        target=g.rows_of("edge_index", g.constant(np.array(1))),
        window="window",
        node_count=node_count,
        window_count=window_count,
        per_window=per_window,
        familiarity=_between(g, far, 0.0, 1.0, np.float64),
    )


def attended(
    g: OnnxGraph, x: Tensor, weights: Weights, layer: str, windows: OnnxWindows, *,
    residual: Tensor | None,
) -> Tensor:  # fmt: skip
    """Nodes after a layer of graph attention; see `attention.GraphAttention`.

    Args:
        g: The graph.
        x: Nodes before.
        weights: By their names in the module.
        layer: Beginning of the layer's names.
        windows: Their edges.
        residual: What is added where the layer learnt no map of its own.
    """
    _, heads, channels = weights[f"{layer}.att_src"].shape
    width = heads * channels
    flat = product(g, x, weights[f"{layer}.lin.weight"])
    z = g.op("Reshape", flat, g.constant([-1, heads, channels]))
    ends = []
    for end, node in (("att_src", windows.source), ("att_dst", windows.target)):
        pull = g.sum(g.op("Mul", z, g.constant(weights[f"{layer}.{end}"], end)), 2)
        ends.append(g.rows_of(pull, node))
    of_edge = product(g, windows.edge_x, weights[f"{layer}.edge_score.weight"])
    raw = g.op("Add", g.op("Add", *ends), of_edge)
    score = g.op("LeakyRelu", raw, alpha=NEGATIVE_SLOPE)
    target, count = windows.target, windows.node_count
    largest = g.rows_of(g.maxima(score, target, count, heads), target)
    weight = g.op("Exp", g.op("Sub", score, largest))
    total = g.rows_of(g.sums(weight, target, count, heads), target)
    share = g.lifted(g.op("Div", weight, total), 2)
    pulled = g.op("Mul", share, g.rows_of(z, windows.source))
    update = g.sums(g.op("Reshape", pulled, g.constant([-1, width])), target, count, width)
    update = g.op("Add", update, g.constant(weights[f"{layer}.bias"], "bias"))
    if f"{layer}.res.weight" in weights:
        residual = product(g, x, weights[f"{layer}.res.weight"])
    return g.op("Elu", update if residual is None else g.op("Add", update, residual))


def dense(g: OnnxGraph, x: Tensor, weights: Weights, names: Sequence[str], between: str) -> Tensor:
    """Rows after fully connected layers, with an activation between them (`Elu`, `Relu`)."""
    for number, name in enumerate(names):
        if number:
            x = g.op(between, x)
        bias = g.constant(weights[f"{name}.bias"], "bias")
        x = g.op("Add", product(g, x, weights[f"{name}.weight"]), bias)
    return x


def product(g: OnnxGraph, x: Tensor, weight: NDArray[np.floating]) -> Tensor:
    """Rows times the transpose of a weight."""
    return g.op("MatMul", x, g.constant(weight.T, "weight"))


def _scaled(
    g: OnnxGraph, x: Tensor, mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> Tensor:
    z = g.op("Div", g.op("Sub", x, g.constant(mean, "mean")), g.constant(scale, "scale"))
    return _between(g, z, -SCALED_LIMIT, SCALED_LIMIT, np.float32)


def _between(g: OnnxGraph, x: Tensor, low: float, high: float, dtype: type) -> Tensor:
    return g.op("Clip", x, g.number(low, dtype), g.number(high, dtype))


def _id_index(g: OnnxGraph, ids: NDArray[np.uint32]) -> Tensor:
    """Index of each node's ID in the vocabulary, by comparing it with all of them."""
    if not len(ids):
        return g.op("Mul", "node_id", g.constant([0]))
    known = g.constant(ids.astype(np.int64)[None], "ids")
    same = g.cast(g.op("Equal", g.lifted("node_id", 1), known), np.int64)
    numbers = g.constant(np.arange(1, len(ids) + 1)[None], "numbers")
    return g.sum(g.op("Mul", same, numbers), 1)
