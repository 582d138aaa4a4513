"""The VGAE as part of an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from can_train.detectors.kernels.window_vgae import LOG_FLOOR
from can_train.detectors.onnx.graph import OnnxGraph, Tensor
from can_train.detectors.onnx.judging import OnnxSaid, judged
from can_train.detectors.onnx.parts import (
    OnnxWindows,
    Weights,
    attended,
    dense,
    product,
    windows_of,
)
from can_train.detectors.window_scorer import TrainedDetector, layers_of


def add(g: OnnxGraph, trained: TrainedDetector, experts: Mapping[str, OnnxSaid]) -> OnnxSaid:
    """Logarithm of the window's error; it builds on no other."""
    weights, inputs = trained.weights, trained.inputs
    windows = windows_of(g, inputs)
    with_loops = _with_loops(g, windows, len(inputs.edge_mean))
    x, layer = windows.nodes, 0
    while f"encoder.{layer}.bias" in weights:
        x = attended(g, x, weights, f"encoder.{layer}", with_loops, residual=None)
        layer += 1
    latent = dense(g, x, weights, ["mean"], "Elu")
    rebuilt = dense(g, latent, weights, layers_of(weights, "decoder"), "Elu")
    off = g.op("Sub", rebuilt, windows.x)
    error = g.op("ReduceMean", g.op("Mul", off, off), g.constant([1]), keepdims=0)
    known = g.op("Greater", windows.id_index, g.constant([0]))
    everyone = g.filled(windows.node_count, None, 1.0, np.float32)
    beside, meets = _of_neighbours(g, latent, weights, windows)
    met = g.op("And", known, meets)
    errors = [
        _mean(g, error, everyone, windows),
        g.maxima(error, windows.window, windows.window_count),
        _mean(g, _of_ids(g, latent, weights, windows), g.cast(known, np.float32), windows),
        _mean(g, beside, g.cast(met, np.float32), windows),
    ]
    errors = [g.cast(each, np.float64) for each in errors]
    parts = [
        g.op("Div", each, g.number(scale, np.float64))
        for each, scale in zip(errors, trained.extras["error_scale"], strict=True)
    ]
    combined = g.op("Sum", *parts)
    score, mean, worst = (_logarithm(g, each) for each in (combined, errors[0], errors[1]))
    return judged(g, trained, score, windows, (mean, worst), relies=True)


def _logarithm(g: OnnxGraph, error: Tensor) -> Tensor:
    return g.op("Log", g.op("Add", error, g.number(LOG_FLOOR, np.float64)))


def _with_loops(g: OnnxGraph, windows: OnnxWindows, channels: int) -> OnnxWindows:
    """The same with an edge from each node to itself, marked by a further feature."""
    edges = g.op("Shape", windows.source)
    plain = g.op("Concat", windows.edge_x, g.filled(edges, 1, 0.0, np.float32), axis=1)
    none = g.filled(windows.node_count, channels, 0.0, np.float32)
    loops = g.op("Concat", none, g.filled(windows.node_count, 1, 1.0, np.float32), axis=1)
    last = g.op("Squeeze", windows.node_count)
    own = g.op("Range", g.constant(np.array(0)), last, g.constant(np.array(1)))
    return replace(
        windows,
        edge_x=g.op("Concat", plain, loops, axis=0),
        source=g.op("Concat", windows.source, own, axis=0),
        target=g.op("Concat", windows.target, own, axis=0),
    )


def _mean(g: OnnxGraph, error: Tensor, counts: Tensor, windows: OnnxWindows) -> Tensor:
    """Mean error of the nodes that count, by window; 0 where none does."""
    total = g.sums(g.op("Mul", error, counts), windows.window, windows.window_count)
    number = g.sums(counts, windows.window, windows.window_count)
    return g.op("Div", total, g.op("Max", number, g.number(1.0)))


def _of_ids(g: OnnxGraph, latent: Tensor, weights: Weights, windows: OnnxWindows) -> Tensor:
    """Cross-entropy of each node's own ID, where that is known [N]."""
    logits = product(g, latent, weights["id_heads.id_head.weight"])
    logits = g.op("Add", logits, g.constant(weights["id_heads.id_head.bias"], "bias"))
    mass = g.op("ReduceLogSumExp", logits, g.constant([1]), keepdims=0)
    right = g.op("Max", g.op("Sub", windows.id_index, g.constant([1])), g.constant([0]))
    picked = g.op("GatherElements", logits, g.lifted(right, 1), axis=1)
    return g.op("Sub", mass, g.op("Squeeze", picked, g.constant([1])))


def _of_neighbours(
    g: OnnxGraph, latent: Tensor, weights: Weights, windows: OnnxWindows
) -> tuple[Tensor, Tensor]:
    """Mean binary cross-entropy of all known IDs beside each node, and whether there is one."""
    turned = product(g, latent, weights["id_heads.turn.weight"])
    logits = product(g, turned, weights["id_heads.id_head.weight"])
    logits = g.op("Add", logits, g.constant(weights["id_heads.neighbour_bias"], "bias"))
    hot = _beside(g, windows, len(weights["id_heads.neighbour_bias"]))
    none = g.number(0.0)
    soft = g.op("Log", g.op("Add", g.number(1.0), g.op("Exp", g.op("Neg", g.op("Abs", logits)))))
    above = g.op("Sub", g.op("Max", logits, none), g.op("Mul", logits, hot))
    error = g.op("ReduceMean", g.op("Add", above, soft), g.constant([1]), keepdims=0)
    meets = g.op("Greater", g.op("ReduceMax", hot, g.constant([1]), keepdims=0), none)
    return error, meets


def _beside(g: OnnxGraph, windows: OnnxWindows, classes: int) -> Tensor:
    """1 where a node has an edge with a known ID, in either direction [N, C]."""
    pairs = []
    for one, other in ((windows.source, windows.target), (windows.target, windows.source)):
        index = g.rows_of(windows.id_index, other)
        pairs.append(g.op("Concat", g.lifted(one, 1), g.lifted(index, 1), axis=1))
    place = g.op("Concat", *pairs, axis=0)
    count = g.op("Gather", g.op("Shape", place), g.constant([0]), axis=0)
    room = g.filled(windows.node_count, classes + 1, 0.0, np.float32)
    marked = g.op("ScatterND", room, place, g.filled(count, None, 1.0, np.float32))
    ends = (g.constant([1]), g.constant([classes + 1]), g.constant([1]))
    return g.op("Slice", marked, *ends)
