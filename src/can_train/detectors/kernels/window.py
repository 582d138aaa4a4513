"""One window's graph as networks take it, and what a score means to a fusion."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.detectors.kernels.stacks import LayerRoom, Real
from can_train.graphs.kernels.live import LiveGraph
from can_train.graphs.scaling import SCALED_LIMIT

STRANGER: Final = 0.8
"""Share of known IDs in a window up to which its car counts as another one: two cars of one maker
have half to two thirds of their IDs in common."""


class WindowInputs(NamedTuple):
    """How a detector scales features and looks IDs up.

    Attributes:
        node_mean: [F], float32.
        node_scale: [F], float32.
        edge_mean: [G], float32.
        edge_scale: [G], float32.
        ids: Known IDs, ascending [V - 1], uint32.
        embedding: What the network learnt of each ID, unknown first [V, D], float32; D is 0 where
            it sees no ID.
    """

    node_mean: Real
    node_scale: Real
    edge_mean: Real
    edge_scale: Real
    ids: NDArray[np.uint32]
    embedding: Real

    @property
    def channels(self) -> int:
        """Width of a node as networks take it."""
        return len(self.node_mean) + int(self.embedding.shape[1])


class SurpriseTable(NamedTuple):
    """-log p by margin: `level` at each of the `known` margins, rising by `slope` behind it.

    Attributes:
        known: Distinct margins, ascending [K], float64.
        level: [K], float64.
        slope: Up to the next one, 0 for the last [K], float64.
        tail: Unit beyond the largest margin.
    """

    known: NDArray[np.float64]
    level: NDArray[np.float64]
    slope: NDArray[np.float64]
    tail: float


class Yardstick(NamedTuple):
    """What excesses are measured with: a threshold, and the way to it from a usual benign window.

    Attributes:
        threshold: On cars that were trained on.
        unit: There, from the median score of benign windows to the threshold.
        far_threshold: On other cars.
        far_unit: The way there.
    """

    threshold: float
    unit: float
    far_threshold: float
    far_unit: float


class Experience(NamedTuple):
    """Benign margins that a score is compared with.

    Attributes:
        known_car: On cars that were trained on.
        other_cars: On other cars.
        relief: What is added to the scores of familiar cars.
        yardstick: What excesses are measured with.
    """

    known_car: SurpriseTable
    other_cars: SurpriseTable
    relief: float
    yardstick: Yardstick


@compiled()
def take_nodes(graph: LiveGraph, inputs: WindowInputs, room: LayerRoom) -> float:
    """Writes scaled features and indices of IDs; gives the window's familiarity, from 0 to 1.

    That is how far its car is one that was trained on, by the share of known IDs.
    """
    nodes, channels = graph.topology.nodes[0], len(inputs.node_mean)
    known = 0
    for node in range(nodes):
        room.id_index[node] = _index(graph.topology.node_id[node], inputs.ids)
        known += room.id_index[node] > 0
        for k in range(channels):
            room.x[node, k] = scaled(
                graph.node_x[node, k], inputs.node_mean[k], inputs.node_scale[k]
            )
        for k in range(inputs.embedding.shape[1]):
            room.x[node, channels + k] = inputs.embedding[room.id_index[node], k]
    return float(min(max((known / nodes - STRANGER) / (1.0 - STRANGER), 0.0), 1.0))


@compiled()
def take_edges(graph: LiveGraph, inputs: WindowInputs, loops: bool, room: LayerRoom) -> None:
    """Writes the edges in order of their targets, with scaled features.

    Args:
        graph: The window's graph.
        inputs: How features are scaled.
        loops: Whether every node gets an edge to itself, marked by a further feature.
        room: Is filled.
    """
    nodes, edges = graph.topology.nodes[0], graph.topology.edges[0]
    edge_index, channels = graph.topology.edge_index, len(inputs.edge_mean)
    room.first[: nodes + 1] = 0
    for edge in range(edges):
        room.first[edge_index[1, edge] + 1] += 1
    for node in range(nodes):
        room.first[node + 1] += room.first[node] + (1 if loops else 0)
        room.place[node] = room.first[node]
    for edge in range(edges):
        target = edge_index[1, edge]
        at = room.place[target]
        room.place[target] += 1
        room.source[at] = edge_index[0, edge]
        for k in range(channels):
            room.edge[at, k] = scaled(
                graph.edge_x[edge, k], inputs.edge_mean[k], inputs.edge_scale[k]
            )
        room.edge[at, channels:] = 0.0
    if loops:
        for node in range(nodes):
            at = room.place[node]
            room.source[at] = node
            room.edge[at, :channels] = 0.0
            room.edge[at, channels] = 1.0


@compiled()
def scaled(x: np.float32, mean: np.float32, scale: np.float32) -> np.float32:
    """A feature in units of its deviation among benign windows."""
    z = (x - mean) / scale
    return min(max(z, np.float32(-SCALED_LIMIT)), np.float32(SCALED_LIMIT))


@compiled()
def judge(
    margin: float,
    familiarity: float,
    relies: bool,
    experience: Experience,
    state: NDArray[np.float64],
) -> tuple[float, float]:
    """Fills what every detector shows a fusion; gives the score and its excess.

    Args:
        margin: What the network says.
        familiarity: How far the window's car is one that was trained on, from 0 to 1.
        relies: On a familiar car, a fusion may rely on what is rare there alone.
        experience: Benign margins.
        state: Is filled up to what is the detector's own [S].
    """
    score = margin + experience.relief * familiarity
    known = surprise_of(score, experience.known_car)
    both = min(known, surprise_of(score, experience.other_cars))
    relied = both + (familiarity if relies else 0.0) * (known - both)
    state[0], state[1], state[2], state[3] = score, known, both, relied
    return score, excess_of(margin, familiarity, experience.yardstick)


@compiled(inline=True)
def excess_of(score: float, familiarity: float, yardstick: Yardstick) -> float:
    """How far a score lies above the threshold, in units; -1 is usual benign traffic."""
    near = (score - yardstick.threshold) / yardstick.unit
    far = (score - yardstick.far_threshold) / yardstick.far_unit
    return far + familiarity * (near - far)


@compiled()
def surprise_of(margin: float, table: SurpriseTable) -> float:
    """-log p of a margin, as `Surprise` gives it."""
    known = table.known
    if margin > known[-1]:
        return float(table.level[-1] + np.log1p((margin - known[-1]) / table.tail))
    at = max(int(np.searchsorted(known, margin, side="right")) - 1, 0)
    return float(table.level[at] + table.slope[at] * max(margin - known[at], 0.0))


@compiled()
def _index(identifier: np.uint32, ids: NDArray[np.uint32]) -> int:
    """Index of an ID in the vocabulary; 0 if it is unknown."""
    at = int(np.searchsorted(ids, identifier))
    return at + 1 if at < len(ids) and ids[at] == identifier else 0
