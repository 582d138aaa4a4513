"""The GAT as part of an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.gat.window import effective_weights
from can_train.detectors.onnx.graph import OnnxGraph
from can_train.detectors.onnx.judging import OnnxSaid, judged
from can_train.detectors.onnx.parts import attended, dense, windows_of
from can_train.detectors.window_scorer import TrainedDetector, layers_of


def add(g: OnnxGraph, trained: TrainedDetector, experts: Mapping[str, OnnxSaid]) -> OnnxSaid:
    """Log odds of an attack; it builds on no other."""
    sizes = trained.config.architecture
    if not isinstance(sizes, GatConfig):
        raise TypeError(f"expected the sizes of a GAT, got {type(sizes).__name__}")
    weights, windows = effective_weights(trained.weights, sizes), windows_of(g, trained.inputs)
    x, width, pooled = windows.nodes, sizes.heads * sizes.hidden_channels, []
    counts = g.lifted(windows.per_window, 1)
    for layer in range(sizes.layers):
        residual = None if layer == 0 else x
        x = attended(g, x, weights, f"convolutions.{layer}", windows, residual=residual)
        for pooling in sizes.pooling.split("-"):
            if pooling == "max":
                pooled.append(g.maxima(x, windows.window, windows.window_count, width))
            else:
                total = g.sums(x, windows.window, windows.window_count, width)
                pooled.append(g.op("Div", total, counts))
    embedding = g.op("Concat", *pooled, axis=1)
    logits = dense(g, embedding, weights, layers_of(weights, "classifier"), "Elu")
    logits = g.cast(logits, np.float64)
    margin = g.op("Sub", g.column(logits, 1), g.column(logits, 0))
    return judged(g, trained, margin, windows)
