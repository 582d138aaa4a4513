"""One compiled call from the frames that came since the last window to the next window's graph.

It calls the kernels of packed stores, one after the other, on arrays that are kept: nothing is
allocated for a window (but by `classic` features, which takes no more from one window to the next).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.graphs.kernels.classic import fill_classic
from can_train.graphs.kernels.history import update_history
from can_train.graphs.kernels.relational import FrameStates, fill_relational
from can_train.graphs.kernels.topology import FrameNodes, Met, Topology, fill_topology
from can_train.graphs.past import FrameChunk, History, WindowEnds
from can_train.graphs.slots import SlotCount, SlotTables, assign_slots
from can_train.graphs.steady import follow_clock


class LiveFrames(NamedTuple):
    """The latest L frames with all that is known of each; what the columns hold: `Frames`.

    Attributes:
        timestamp: [L], float64.
        arbitration_id: [L], uint32.
        dlc: [L], uint8.
        payload: [L, P], uint8.
        words: The same memory as 64-bit words [L, P / 8], uint64.
        label: [L], uint8.
        slots: Slots of the IDs [L], int32.
        steady_s: Steady times [L], float64.
        per_frame: `FrameColumn`s [L, 11], float32.
    """

    timestamp: NDArray[np.float64]
    arbitration_id: NDArray[np.uint32]
    dlc: NDArray[np.uint8]
    payload: NDArray[np.uint8]
    words: NDArray[np.uint64]
    label: NDArray[np.uint8]
    slots: NDArray[np.int32]
    steady_s: NDArray[np.float64]
    per_frame: NDArray[np.float32]


class LivePast(NamedTuple):
    """What is remembered of the stream: tables of IDs, clock, history, and what windows showed."""

    tables: SlotTables
    clock: NDArray[np.float64]
    history: History
    met: Met


class NewFrames(NamedTuple):
    """Rows `begin` to `end` came since the window before.

    Attributes:
        begin: First row.
        end: Row behind the last one, which ends a window.
        before: Frames of the stream that came before them.
        number: Of the window that they fill, from 0.
    """

    begin: int
    end: int
    before: int
    number: int


class LiveGraph(NamedTuple):
    """Room for the graph of one window of W frames; its first `nodes` and `edges` rows count.

    Attributes:
        topology: Nodes and edges.
        per_window: `WindowColumn`s [1, 2], float32.
        node_x: Node features [W, F], float32.
        edge_x: Edge features [W - 1, G], float32.
        start: Row of its first frame [1], int64.
    """

    topology: Topology
    per_window: NDArray[np.float32]
    node_x: NDArray[np.float32]
    edge_x: NDArray[np.float32]
    start: NDArray[np.int64]


@compiled()
def fill_window(
    frames: LiveFrames, new: NewFrames, past: LivePast, graph: LiveGraph, relational: bool
) -> None:
    """Adds new frames to the past and fills the graph of the window that they end.

    Args:
        frames: The frames.
        new: Which of them are new.
        past: Is brought up to date.
        graph: Is filled, from the row `graph.start` on.
        relational: Whether its features are `relational`, else they are `classic`.
    """
    _follow(frames, new, past, graph.per_window)
    slots = int(past.tables.counts[SlotCount.ALL])
    known = FrameNodes(frames.slots, frames.arbitration_id, frames.label, slots)
    nodes, edges = fill_topology(known, graph.start, new.number, past.met, graph.topology)
    node_x, edge_x = graph.node_x[:nodes], graph.edge_x[:edges]
    node_x[:] = 0.0
    edge_x[:] = 0.0
    if relational:
        states = FrameStates(frames.timestamp, frames.per_frame, graph.per_window)
        fill_relational(states, graph.start, graph.topology, node_x, edge_x)
    else:
        fill_classic(frames.timestamp, frames.payload, graph.start, graph.topology, node_x, edge_x)


@compiled()
def _follow(
    frames: LiveFrames, new: NewFrames, past: LivePast, per_window: NDArray[np.float32]
) -> None:
    """Adds new frames to the past, as `GraphBuilder` does."""
    begin, end = new.begin, new.end
    steady_s = frames.steady_s[begin:end]
    follow_clock(frames.timestamp[begin:end], past.clock, steady_s)
    assign_slots(frames.arbitration_id[begin:end], past.tables, frames.slots[begin:end])
    chunk = FrameChunk(
        steady_s, frames.slots[begin:end], frames.words[begin:end], frames.dlc[begin:end]
    )
    last = new.before + end - begin - 1
    # One window ends here, with the last frame: any stride leads beyond it.
    ends = WindowEnds(new.before, last, 1)
    update_history(chunk, past.history, ends, frames.per_frame[begin:end], per_window)


@compiled()
def drop_frames(frames: LiveFrames, count: int, filled: int) -> None:
    """Moves rows `count` to `filled` to the front."""
    for row in range(filled - count):
        frames.timestamp[row] = frames.timestamp[row + count]
        frames.arbitration_id[row] = frames.arbitration_id[row + count]
        frames.dlc[row] = frames.dlc[row + count]
        frames.words[row] = frames.words[row + count]
        frames.label[row] = frames.label[row + count]
        frames.slots[row] = frames.slots[row + count]
        frames.steady_s[row] = frames.steady_s[row + count]
        frames.per_frame[row] = frames.per_frame[row + count]
