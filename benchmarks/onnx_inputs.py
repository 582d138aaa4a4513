"""Graphs as an exported ONNX model takes them, without torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from can_train.graphs.columns import PackedGraphs


def inputs_of(graphs: PackedGraphs) -> dict[str, NDArray[Any]]:
    """Inputs of the model, by name."""
    first = np.repeat(graphs.node_ptr[:-1], graphs.edges)
    ends = np.stack([graphs.edge_source, graphs.edge_target]).astype(np.int64)
    return {
        "node_x": graphs.node_x,
        "node_id": graphs.node_id.astype(np.int64),
        "edge_x": graphs.edge_x,
        "edge_index": ends + first,
        "window": np.repeat(np.arange(len(graphs)), graphs.nodes),
    }
