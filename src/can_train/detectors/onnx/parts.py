"""What the ONNX graphs of all detectors have in common: inputs, layers, and what a margin means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.evidence import Margins
from can_train.detectors.kernels.attention import NEGATIVE_SLOPE
from can_train.detectors.kernels.window import STRANGER, SurpriseTable, WindowInputs
from can_train.detectors.onnx.graph import OnnxGraph, Tensor
from can_train.detectors.window_scorer import TrainedDetector
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
        id_index: Index of each node's ID in the vocabulary, 0 if unknown [N], int64.
        edge_x: Scaled edge features [P, G].
        source, target: Nodes of each edge [P], int64.
        window: Window of each node [N], int64.
        node_count, window_count: N and B [1], int64.
        per_window: Nodes of each window [B], float32.
        familiarity: How far each window's car is one that was trained on [B], float64.
    """

    x: Tensor
    nodes: Tensor
    id_index: Tensor
    edge_x: Tensor
    source: Tensor
    target: Tensor
    window: Tensor
    node_count: Tensor
    window_count: Tensor
    per_window: Tensor
    familiarity: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxSaid:
    """What a detector says of B windows; names of tensors, float64.

    Attributes:
        score: Margins [B].
        excess: How far they lie above the threshold, in units of its `Yardstick` [B].
        state: What it shows a fusion [B, S].
        familiarity: [B].
    """

    score: Tensor
    excess: Tensor
    state: Tensor
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
        id_index=id_index,
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


def judged(
    g: OnnxGraph,
    trained: TrainedDetector,
    margin: Tensor,
    windows: OnnxWindows,
    own: Sequence[Tensor] = (),
    *,
    relies: bool = False,
) -> OnnxSaid:
    """What margins mean; see `detectors.base.Detector.said`.

    Args:
        g: The graph.
        trained: Whose margins they are.
        margin: [B], float64.
        windows: The windows.
        own: Further numbers that a fusion sees [B] each.
        relies: On a familiar car, the state may hold what is rare there alone.
    """
    familiarity, experience = windows.familiarity, trained.experience
    score = relieved(g, trained, margin, familiarity)
    known = surprise(g, score, experience.known_car)
    relied = both = g.op("Min", known, surprise(g, score, experience.other_cars))
    if relies:
        relied = g.op("Add", both, g.op("Mul", familiarity, g.op("Sub", known, both)))
    columns = [g.lifted(each, 1) for each in (score, known, both, relied, *own)]
    state = g.op("Concat", *columns, axis=1)
    above = excess(g, trained, score, familiarity)
    return OnnxSaid(score=score, excess=above, state=state, familiarity=familiarity)


def relieved(g: OnnxGraph, trained: TrainedDetector, margin: Tensor, familiarity: Tensor) -> Tensor:
    """Margins that one threshold holds for, on familiar cars and on others."""
    relief = g.number(trained.threshold.relief, np.float64)
    return g.op("Add", margin, g.op("Mul", relief, familiarity))


def excess(g: OnnxGraph, trained: TrainedDetector, score: Tensor, familiarity: Tensor) -> Tensor:
    """How far scores lie above the threshold; see `detectors.base.Detector.excess`."""
    each = trained.experience.yardstick
    near, far = (
        g.op("Div", g.op("Sub", score, g.number(at, np.float64)), g.number(unit, np.float64))
        for at, unit in ((each.threshold, each.unit), (each.far_threshold, each.far_unit))
    )
    return g.op("Add", far, g.op("Mul", familiarity, g.op("Sub", near, far)))


def surprise(g: OnnxGraph, margin: Tensor, table: SurpriseTable) -> Tensor:
    """-log p of margins [B], float64; see `detectors.surprise.Surprise`."""
    reached = g.op("GreaterOrEqual", g.lifted(margin, 1), g.constant(table.known[None], "known"))
    at = g.op("Sub", g.sum(g.cast(reached, np.int64), 1), g.constant([1]))
    at = g.op("Max", at, g.constant([0]))
    none, last = g.number(0.0, np.float64), g.number(table.known[-1], np.float64)
    level, slope, known = (
        g.rows_of(g.constant(column, "surprise"), at)
        for column in (table.level, table.slope, table.known)
    )
    inside = g.op("Mul", slope, g.op("Max", g.op("Sub", margin, known), none))
    within = g.op("Where", g.op("Greater", margin, last), none, inside)
    tails = g.op("Div", _beyond(g, margin, last), g.number(table.tail, np.float64))
    more = g.op("Log", g.op("Add", g.number(1.0, np.float64), tails))
    return g.op("Add", g.op("Add", level, within), more)


def p_value(g: OnnxGraph, margin: Tensor, margins: Margins, output: Tensor) -> Tensor:
    """How rare margins [B] are among benign windows, float64; see `Margins.p_value`."""
    if not margins.windows:
        ones = g.op("Mul", margin, g.number(0.0, np.float64))
        return g.op("Add", ones, g.number(1.0, np.float64), output=output)
    above = g.op("Greater", g.lifted(margin, 1), g.constant(margins.values[None], "margins"))
    share = np.append(margins.p_value(margins.values), 1.0 / (margins.windows + 1.0))
    first = g.rows_of(g.constant(share, "p_values"), g.sum(g.cast(above, np.int64), 1))
    last = g.number(margins.values[-1], np.float64)
    tails = g.op("Div", _beyond(g, margin, last), g.number(margins.tail, np.float64))
    rest = g.op("Add", g.number(1.0, np.float64), tails)
    return g.op("Div", first, rest, output=output)


def _beyond(g: OnnxGraph, margin: Tensor, last: Tensor) -> Tensor:
    return g.op("Max", g.op("Sub", margin, last), g.number(0.0, np.float64))


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
