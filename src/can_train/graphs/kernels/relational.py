"""Jitted passes that aggregate the causal state of frames over nodes and edges."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled
from can_train.graphs.features import RelationalEdge, RelationalNode
from can_train.graphs.kernels.history import TIME_FLOOR_S, clip
from can_train.graphs.kernels.topology import Topology
from can_train.graphs.past import FrameColumn, WindowColumn

_COUNT_LIMIT: Final = 4.0
"""|ln(seen / expected)| saturates at 55 times as often: of an ID that was due about once, a window
of 100 frames can hardly show more (ln(100.5 / 1.5) = 4.2)."""

_PRIOR_COUNT: Final = 0.5
"""Added to seen and expected counts (Haldane and Anscombe's correction of a log ratio): it stays
finite, and says little where an ID with a long period was hardly due in the window."""

_GAP_LIMIT: Final = 4.0
"""|ln(gap / expected gap)|; at 2,000 frames/s equal timestamps give ln(1 / 51) = -3.9 by the
recorders' resolution, so that is all there is to see below; above, the bus was silent for 55
frames."""

_RATE_LIMIT: Final = 3.0
"""|ln(duration / expected duration)|: room for a flood of empty frames at 21,277 frames/s on a bus
of 1,400 frames/s, ln 15 = 2.7 (the most that 500 kbit/s carry)."""

_EDGE_END: Final = 0.5
"""Each edge counts half at either end, so a self-loop counts once."""

_MEANS_OF_NODES: Final = np.array(
    [
        RelationalNode.INTERVAL_LOG_RATIO_MEAN,
        RelationalNode.INTERVAL_Z_MEAN,
        RelationalNode.INTERVAL_VARIATION,
        RelationalNode.BITS_CHANGED_MEAN,
        RelationalNode.BITS_SURPRISE_MEAN,
        RelationalNode.NEW_BITS_MEAN,
        RelationalNode.PAYLOAD_DENSITY,
    ]
)
"""Columns that hold a sum over the frames of a node until it is divided. An array: numba unpacks
a tuple of enumeration members in every turn of a loop."""


class FrameStates(NamedTuple):
    """Causal state of n frames.

    Attributes:
        timestamps: [n], seconds.
        per_frame: `FrameColumn`s [n, 11], float32.
        per_window: `WindowColumn`s of the B windows [B, 2], float32.
    """

    timestamps: NDArray[np.float64]
    per_frame: NDArray[np.float32]
    per_window: NDArray[np.float32]


class _WindowStates(NamedTuple):
    """The same of the W frames of one window; `bus_gap` is the gap [s] that the bus should have."""

    times: NDArray[np.float64]
    frames: NDArray[np.float32]
    bus_gap: float


@compiled()
def fill_relational(
    state: FrameStates,
    starts: NDArray[np.int64],
    topology: Topology,
    node_x: NDArray[np.float32],
    edge_x: NDArray[np.float32],
) -> None:
    """Features of every node and edge.

    Args:
        state: Of the frames and windows.
        starts: First frame of each window [B].
        topology: Nodes and edges of the windows.
        node_x: Zeroed, is filled [N, F].
        edge_x: Zeroed, is filled [E, G].
    """
    state, topology = borrowed(state), borrowed(topology)
    node_x, edge_x = borrowed(node_x), borrowed(edge_x)
    window = topology.node_of_frame.shape[1]
    first_node = 0
    first_edge = 0
    for w in range(len(starts)):
        start = starts[w]
        next_node = first_node + topology.nodes[w]
        next_edge = first_edge + topology.edges[w]
        here = _WindowStates(
            state.timestamps[start : start + window],
            state.per_frame[start : start + window],
            state.per_window[w, WindowColumn.BUS_GAP],
        )
        x = node_x[first_node:next_node]
        edge_index = topology.edge_index[:, first_edge:next_edge]
        edges = edge_x[first_edge:next_edge]
        _sum_nodes(here.frames, topology.node_of_frame[w], x)
        _sum_edges(here, topology.edge_of_frame[w], edges)
        has_reverse = topology.has_reverse[first_edge:next_edge]
        _finish_edges(edges, edge_index, has_reverse, x, topology.node_of_frame[w])
        _finish_nodes(x, edge_index, topology.node_id[first_node:next_node], here.times)
        _add_bus(here, state.per_window[w, WindowColumn.MISSING_SHARE], x)
        first_node = next_node
        first_edge = next_edge


@compiled()
def _sum_nodes(
    frames: NDArray[np.float32], node_of_frame: NDArray[np.uint16], x: NDArray[np.float32]
) -> None:
    """Sums and extremes per node.

    Until `_finish_nodes`, SHARE_OF_FRAMES counts frames and COUNT_LOG_RATIO holds the ID's
    period [s]: no scratch array has to be cleared for each window.
    """
    for k in range(len(node_of_frame)):
        v = x[node_of_frame[k]]
        f = frames[k]
        ratio, z = f[FrameColumn.LOG_RATIO], f[FrameColumn.Z_SCORE]
        surprise, new_bits = f[FrameColumn.BITS_SURPRISE], f[FrameColumn.NEW_BITS]
        known = v[RelationalNode.SHARE_OF_FRAMES] > 0.0
        low, high = (
            v[RelationalNode.INTERVAL_LOG_RATIO_MIN],
            v[RelationalNode.INTERVAL_LOG_RATIO_MAX],
        )
        v[RelationalNode.INTERVAL_LOG_RATIO_MEAN] += ratio
        v[RelationalNode.INTERVAL_LOG_RATIO_MIN] = min(low, ratio) if known else ratio
        v[RelationalNode.INTERVAL_LOG_RATIO_MAX] = max(high, ratio) if known else ratio
        v[RelationalNode.INTERVAL_Z_MEAN] += z
        v[RelationalNode.INTERVAL_Z_ABS_MAX] = max(v[RelationalNode.INTERVAL_Z_ABS_MAX], abs(z))
        v[RelationalNode.INTERVAL_VARIATION] += f[FrameColumn.VARIATION]
        v[RelationalNode.BITS_CHANGED_MEAN] += f[FrameColumn.BITS_CHANGED]
        v[RelationalNode.BITS_SURPRISE_MEAN] += surprise
        v[RelationalNode.BITS_SURPRISE_MAX] = max(
            v[RelationalNode.BITS_SURPRISE_MAX], abs(surprise)
        )
        v[RelationalNode.NEW_BITS_MEAN] += new_bits
        v[RelationalNode.NEW_BITS_MAX] = max(v[RelationalNode.NEW_BITS_MAX], new_bits)
        v[RelationalNode.DLC_CHANGED] = max(
            v[RelationalNode.DLC_CHANGED], f[FrameColumn.DLC_CHANGED]
        )
        v[RelationalNode.NOVELTY] = max(v[RelationalNode.NOVELTY], f[FrameColumn.NOVELTY])
        v[RelationalNode.SHARE_OF_FRAMES] += 1.0
        v[RelationalNode.COUNT_LOG_RATIO] = f[FrameColumn.PERIOD]
        v[RelationalNode.PAYLOAD_DENSITY] += f[FrameColumn.DENSITY]
        v[RelationalNode.EARLINESS] = max(v[RelationalNode.EARLINESS], f[FrameColumn.EARLINESS])


@compiled()
def _finish_nodes(
    x: NDArray[np.float32],
    edge_index: NDArray[np.uint16],
    node_id: NDArray[np.uint32],
    times: NDArray[np.float64],
) -> None:
    """Turns sums into means and counts into shares; ranks nodes by bus priority."""
    duration = max(times[-1] - times[0], 0.0)
    count = len(x)
    for e in range(edge_index.shape[1]):
        x[edge_index[0, e], RelationalNode.DEGREE_SHARE] += _EDGE_END / count
        x[edge_index[1, e], RelationalNode.DEGREE_SHARE] += _EDGE_END / count
    for i in range(count):
        v = x[i]
        rank = 0
        for other in range(count):
            rank += node_id[other] < node_id[i]
        v[RelationalNode.PRIORITY_RANK] = rank / max(count - 1, 1)
        frames = v[RelationalNode.SHARE_OF_FRAMES]
        for column in _MEANS_OF_NODES:
            v[column] /= frames
        v[RelationalNode.SHARE_OF_FRAMES] = frames / len(times)
        period = v[RelationalNode.COUNT_LOG_RATIO]
        v[RelationalNode.COUNT_LOG_RATIO] = 0.0
        if period > 0.0:
            ratio = math.log((frames + _PRIOR_COUNT) / (duration / period + _PRIOR_COUNT))
            v[RelationalNode.COUNT_LOG_RATIO] = clip(ratio, -_COUNT_LIMIT, _COUNT_LIMIT)


@compiled()
def _add_bus(here: _WindowStates, missing_share: float, x: NDArray[np.float32]) -> None:
    """What says nothing about one ID but about the bus, the same for all nodes."""
    duration = max(here.times[-1] - here.times[0], 0.0)
    expected = (len(here.times) - 1) * here.bus_gap
    rate = math.log((duration + TIME_FLOOR_S) / (expected + TIME_FLOOR_S))
    for i in range(len(x)):
        x[i, RelationalNode.BUS_RATE_LOG_RATIO] = clip(rate, -_RATE_LIMIT, _RATE_LIMIT)
        x[i, RelationalNode.MISSING_SHARE] = missing_share


@compiled()
def _sum_edges(
    here: _WindowStates, edge_of_frame: NDArray[np.uint16], x: NDArray[np.float32]
) -> None:
    """Sums and extremes over the transitions of each edge, from the frame that ends them.

    Until `_finish_edges`, SHARE_OF_TRANSITIONS counts transitions.
    """
    for k in range(len(edge_of_frame)):
        e = x[edge_of_frame[k]]
        f = here.frames[k + 1]
        gap = math.log(
            (max(here.times[k + 1] - here.times[k], 0.0) + TIME_FLOOR_S)
            / (here.bus_gap + TIME_FLOOR_S)
        )
        gap = clip(gap, -_GAP_LIMIT, _GAP_LIMIT)
        known = e[RelationalEdge.SHARE_OF_TRANSITIONS] > 0.0
        low = e[RelationalEdge.GAP_LOG_RATIO_MIN]
        e[RelationalEdge.GAP_LOG_RATIO_MIN] = min(low, gap) if known else gap
        e[RelationalEdge.SHARE_OF_TRANSITIONS] += 1.0
        e[RelationalEdge.GAP_LOG_RATIO_MEAN] += gap
        e[RelationalEdge.INTERVAL_LOG_RATIO_MEAN] += f[FrameColumn.LOG_RATIO]
        e[RelationalEdge.INTERVAL_Z_ABS_MAX] = max(
            e[RelationalEdge.INTERVAL_Z_ABS_MAX], abs(f[FrameColumn.Z_SCORE])
        )
        e[RelationalEdge.BITS_SURPRISE_MEAN] += f[FrameColumn.BITS_SURPRISE]
        e[RelationalEdge.NEW_BITS_MAX] = max(
            e[RelationalEdge.NEW_BITS_MAX], f[FrameColumn.NEW_BITS]
        )
        e[RelationalEdge.NOVELTY_TARGET] = max(
            e[RelationalEdge.NOVELTY_TARGET], f[FrameColumn.NOVELTY]
        )
        e[RelationalEdge.NOVELTY_SOURCE] = max(
            e[RelationalEdge.NOVELTY_SOURCE], here.frames[k, FrameColumn.NOVELTY]
        )


@compiled()
def _finish_edges(
    x: NDArray[np.float32],
    edge_index: NDArray[np.uint16],
    has_reverse: NDArray[np.bool_],
    node_x: NDArray[np.float32],
    node_of_frame: NDArray[np.uint16],
) -> None:
    """Turns sums into means and counts into shares, while nodes still count their frames."""
    last = node_of_frame[-1]
    for i in range(len(x)):
        e = x[i]
        source, target = edge_index[0, i], edge_index[1, i]
        count = e[RelationalEdge.SHARE_OF_TRANSITIONS]
        # Each frame of the source begins a transition, but for the window's last frame.
        outgoing = node_x[source, RelationalNode.SHARE_OF_FRAMES] - (source == last)
        e[RelationalEdge.SHARE_OF_TRANSITIONS] = count / (len(node_of_frame) - 1)
        e[RelationalEdge.SHARE_OF_SOURCE] = count / outgoing
        e[RelationalEdge.GAP_LOG_RATIO_MEAN] /= count
        e[RelationalEdge.IS_SELF_LOOP] = source == target
        e[RelationalEdge.HAS_REVERSE_EDGE] = has_reverse[i]
        e[RelationalEdge.INTERVAL_LOG_RATIO_MEAN] /= count
        e[RelationalEdge.BITS_SURPRISE_MEAN] /= count
