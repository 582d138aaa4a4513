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
    attended,
    dense,
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
    total = g.sums(error, windows.window, windows.window_count)
    largest = g.maxima(error, windows.window, windows.window_count)
    errors = [
        g.cast(each, np.float64) for each in (g.op("Div", total, windows.per_window), largest)
    ]
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
