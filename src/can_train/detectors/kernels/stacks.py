"""Weights of the networks as compiled functions take them, and the memory that they work in.

The weights of a network lie in one table, each matrix with the inputs in its rows; where each
begins follows from the widths.
"""

from __future__ import annotations

from enum import auto, unique
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.graphs.features import Column

Real = NDArray[np.float32]
Whole = NDArray[np.int64]


@unique
class LayerColumn(Column):
    """Sizes of an attention layer; RESIDUAL is a `Residual`."""

    INPUTS = auto()
    HEADS = auto()
    CHANNELS = auto()
    RESIDUAL = auto()


@unique
class Residual(Column):
    """What an attention layer adds: nothing, a learned map of its input, or the input."""

    NONE = auto()
    LEARNED = auto()
    INPUT = auto()


class AttentionStack(NamedTuple):
    """Attention layers.

    Attributes:
        weights: Of each layer in turn: projection [F, H*C], learned residual [F, H*C] if it has
            one, attention of source and of target [H*C] each, of edges [G, H], bias [H*C].
        sizes: `LayerColumn`s of each layer [L, 4], int64.
    """

    weights: Real
    sizes: Whole

    @property
    def outputs(self) -> Whole:
        """Width of a node after each layer [L], int64."""
        outputs: Whole = self.sizes[:, LayerColumn.HEADS] * self.sizes[:, LayerColumn.CHANNELS]
        return outputs

    @property
    def heads(self) -> int:
        """Most heads of a layer."""
        return int(self.sizes[:, LayerColumn.HEADS].max())


class DenseStack(NamedTuple):
    """Fully connected layers.

    Attributes:
        weights: Of each layer in turn: matrix [inputs, outputs], bias [outputs].
        widths: Of the input, and of every layer [L + 1], int64.
    """

    weights: Real
    widths: Whole


class LayerRoom(NamedTuple):
    """Memory for a window of W frames, at most D wide: what layers read and write.

    Attributes:
        x: Nodes [W, D], the input and output of layers.
        y: Output of a layer until it becomes the next one's input [W, D].
        z: Nodes after a layer's projection [W, D].
        id_index: Index of each node's ID in the vocabulary, 0 if it is unknown [W], int64.
        first: First edge of each node [W + 1], int64.
        place: Next edge of each node while they are sorted [W], int64.
        source: Node that each edge comes from, in order of their targets [2 W], int64.
        edge: Features of the edges in that order [2 W, G].
        score: Attention of the edges [2 W, H].
        ends: Attention of the nodes as source and as target [2, W, H].
    """

    x: Real
    y: Real
    z: Real
    id_index: Whole
    first: Whole
    place: Whole
    source: Whole
    edge: Real
    score: Real
    ends: Real

    @classmethod
    def of(cls, window: int, width: int, edge_channels: int, heads: int) -> LayerRoom:
        """Room for windows of so many frames."""
        return cls(
            x=np.zeros((window, width), np.float32),
            y=np.zeros((window, width), np.float32),
            z=np.zeros((window, width), np.float32),
            id_index=np.zeros(window, np.int64),
            first=np.zeros(window + 1, np.int64),
            place=np.zeros(window, np.int64),
            source=np.zeros(2 * window, np.int64),
            edge=np.zeros((2 * window, edge_channels), np.float32),
            score=np.zeros((2 * window, heads), np.float32),
            ends=np.zeros((2, window, heads), np.float32),
        )
