"""Tables of layers, and what they ask of the memory that networks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.deploy.c99.source import CSource, floats
from can_train.detectors.kernels.stacks import AttentionStack, DenseStack, LayerColumn, Residual
from can_train.graphs.features import RelationalEdge

BLOCK: Final = 4
"""Nodes at a time in layers: CT_BLOCK."""

_RESIDUALS: Final = {
    Residual.NONE: "CT_NOTHING", Residual.LEARNED: "CT_LEARNED", Residual.INPUT: "CT_INPUT",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySizes:
    """What a network asks of the memory that networks share.

    Attributes:
        even: Numbers of a node that layers 0, 2, … read.
        odd: Numbers of a node that layers 1, 3, … read.
        row: Numbers of a row on its way.
        heads: Heads of attention.
        edge_scores: Heads of all layers together.
        pooled: Numbers that stand for all nodes together.
    """

    even: int = 1
    odd: int = 1
    row: int = 1
    heads: int = 1
    edge_scores: int = 0
    pooled: int = 1


def add_attention(
    source: CSource, name: str, stack: AttentionStack, *, loops: bool, edge_at: int
) -> None:
    """Writes the layers of a stack as an array of `ct_attention`."""
    at, rows = 0, []
    for number, size in enumerate(stack.sizes):
        inputs, heads, channels, residual = (int(column) for column in size)
        cut = _Cut(stack.weights, at)
        own, width = f"{name}_{number}", heads * channels
        weights = cut(inputs, width)
        projection = source.matrix(f"{own}_projection", weights, "projection of nodes")
        learned = residual == Residual.LEARNED
        added = cut(inputs, width) if learned else np.zeros((0, 0), np.float32)
        matrix = source.matrix(f"{own}_residual", added, "learned residual") if learned else None
        ends = cut(2, width)
        of_edge = cut(len(RelationalEdge) + loops, heads)
        features = of_edge[:-1] if loops else of_edge
        fields = [
            ("projection", projection),
            ("own", matrix or "{NULL, NULL, 0, 0}"),
            ("bias", vector(source, f"{own}_bias", cut(1, width), "bias")),
            ("of_ends", source.ends(f"{own}_ends", _of_inputs(weights, ends, heads),
                                    "attention of inputs, as sources and as targets")),
            ("of_edge", vector(source, f"{own}_edge", features.T, "attention of edge features")),
            ("of_loop", vector(source, f"{own}_loop", of_edge[-1], "attention of loops")
             if loops else "NULL"),
            ("residual", _RESIDUALS[Residual(residual)]),
            ("heads", str(heads)),
            ("channels", str(channels)),
            ("edge_at", str(edge_at)),
            ("loops", "true" if loops else "false"),
        ]  # fmt: skip
        rows.append(fields_of(fields))
        at, edge_at = cut.at, edge_at + heads
    source.add(f"static const ct_attention {name}[] = {{\n{_joined(rows)}\n}};\n")


def _of_inputs(
    weights: NDArray[np.float32], ends: NDArray[np.float32], heads: int
) -> NDArray[np.float64]:
    r"""What inputs add to attention scores, without a projection in between [inputs, 2 * heads].

    .. math:: a^\top (W^\top x) = (W a)^\top x

    for the vectors a of sources, then those of targets.
    """
    by_head = weights.astype(np.float64).reshape(len(weights), heads, -1)
    both = [np.einsum("khc,hc->kh", by_head, end.reshape(heads, -1)) for end in ends]
    return np.concatenate(both, axis=1)


class _Cut:
    """Takes matrices from a table, one behind the other."""

    def __init__(self, weights: NDArray[np.float32], at: int) -> None:
        self._weights, self.at = weights, at

    def __call__(self, rows: int, columns: int) -> NDArray[np.float32]:
        begin, self.at = self.at, self.at + rows * columns
        return self._weights[begin : self.at].reshape(rows, columns)


def add_dense(source: CSource, name: str, stack: DenseStack) -> None:
    """Writes fully connected layers as an array of `ct_dense_layer`."""
    layers = dense(source, name, stack)
    source.add(f"static const ct_dense_layer {name}[] = {{\n{_joined(layers)}\n}};\n")


def dense(source: CSource, name: str, stack: DenseStack) -> list[str]:
    """Writes fully connected layers; gives the `ct_dense_layer` of each."""
    cut, rows = _Cut(stack.weights, 0), []
    for number in range(len(stack.widths) - 1):
        inputs, outputs = int(stack.widths[number]), int(stack.widths[number + 1])
        own = f"{name}_{number}"
        matrix = source.matrix(own, cut(inputs, outputs), "fully connected layer")
        rows.append(f"{{{matrix}, {vector(source, f'{own}_bias', cut(1, outputs), 'bias')}}}")
    return rows


def vector(source: CSource, name: str, values: NDArray[np.floating], told: str) -> str:
    """Writes a vector; gives its name."""
    return source.array(name, "float", floats(values), f"{told} [{values.size}]")


def sizes_of(stack: AttentionStack, *, rows: int, pooled: int) -> MemorySizes:
    """What the layers of a stack ask, beside `rows` and `pooled` of what follows them."""
    inputs = stack.sizes[:, LayerColumn.INPUTS]
    heads = stack.sizes[:, LayerColumn.HEADS]
    widths = heads * stack.sizes[:, LayerColumn.CHANNELS]
    return MemorySizes(
        even=int(inputs[::2].max()),
        odd=int(inputs[1::2].max(initial=1)),
        row=int(max(inputs.max(), widths.max(), rows)),
        heads=int(heads.max()),
        edge_scores=int(heads.sum()),
        pooled=pooled,
    )


def row_of(layers: DenseStack) -> int:
    """Width of the rows of a block that holds the output of every layer of a single row."""
    return -(-int(layers.widths[1:].max(initial=1)) // BLOCK)


def fields_of(fields: list[tuple[str, str]]) -> str:
    """A struct, by the names of its fields."""
    inner = ",\n".join(f"    .{name} = {value}" for name, value in fields)
    return f"{{\n{inner},\n}}"


def _joined(rows: list[str]) -> str:
    return ",\n".join(rows)
