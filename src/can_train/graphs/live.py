"""Graphs of a live stream, window by window, in memory that is allocated once.

The numbers are those of a packed store, bit for bit: the same compiled functions make them
(`kernels/live.py`). Frames are kept until a window is full and looked at then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from can_train.errors import DataError, counted
from can_train.frames.frame import Frames
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.identity import WindowSpec
from can_train.graphs.kernels.live import (
    LiveFrames,
    LiveGraph,
    LivePast,
    NewFrames,
    drop_frames,
    fill_window,
)
from can_train.graphs.kernels.topology import Met, room_for
from can_train.graphs.past import FrameColumn, WindowColumn
from can_train.graphs.slots import IdSlots
from can_train.graphs.state import IdState
from can_train.graphs.steady import SteadyClock

WORD_BYTES: Final = 8
_WINDOWS_HELD: Final = 4
"""Windows that there is room for, so that frames move to the front seldom."""


class LiveGraphs:
    """Follows one stream of frames and holds the graph of the latest full window.

    Args:
        spec: How frames become graphs.
        words: 64-bit words per payload (1, or 8 for CAN FD).
    """

    def __init__(self, spec: WindowSpec, *, words: int = 1) -> None:
        self.spec = spec
        self.frames = _room(_WINDOWS_HELD * spec.window + spec.stride, words)
        self.graph = graph_room(spec)
        self.windows = 0
        self.begin = self.end = 0
        self._slots = IdSlots()
        self._clock = SteadyClock()
        self._state = IdState(window=spec.window, stride=spec.stride, words=words)
        self._met = Met.nothing(0, spec.window)
        self._start = 0
        self._full = False

    @property
    def slot_count(self) -> int:
        """Distinct IDs so far."""
        return self._slots.count

    @property
    def new(self) -> slice:
        """Rows of `frames` that came since the window before."""
        return slice(self.begin, self.end)

    @property
    def window(self) -> slice:
        """Rows of `frames` that the graph is of."""
        start = int(self.graph.start[0])
        return slice(start, start + self.spec.window)

    def windows_of(self, frames: Frames) -> Iterator[LiveGraph]:
        """Takes the next frames of the stream; gives the graph of each window that they fill.

        The arrays of a graph are those of the next one.

        Raises:
            DataError: Payloads aren't as wide as the stream's.
        """
        width = self.frames.payload.shape[1]
        if frames.payload.shape[1] != width:
            raise DataError(
                f"stream: payloads of width {frames.payload.shape[1]} among those of {width}. "
                f"Begin a stream with 64 bytes for CAN FD, with 8 for classic CAN"
            )
        at = 0
        while at < len(frames):
            count = min(self._wanted(), len(frames) - at)
            self._copy(frames, at, at + count)
            at += count
            if self.end == self._start + self.spec.window:
                yield self._filled()

    def take(self, timestamp: float, arbitration_id: int, payload: bytes) -> LiveGraph | None:
        """Takes one frame; gives the graph of the window that it fills, if it does.

        Args:
            timestamp: Seconds.
            arbitration_id: With bit 31 set for an extended one.
            payload: As many bytes as its DLC says.

        Raises:
            DataError: The payload is longer than the stream's.
        """
        width = self.frames.payload.shape[1]
        if len(payload) > width:
            raise DataError(
                f"stream: a payload of {counted(len(payload), 'byte')} where {width} are the most. "
                f"Begin a stream with 64 bytes for CAN FD"
            )
        wanted, held, row = self._wanted(), self.frames, self.end
        held.timestamp[row], held.arbitration_id[row] = timestamp, arbitration_id
        held.dlc[row], held.label[row] = len(payload), 0
        held.words[row] = np.frombuffer(payload.ljust(width, b"\0"), np.uint64)
        self.end += 1
        return self._filled() if wanted == 1 else None

    def packed(self) -> PackedGraphs:
        """The latest graph as graphs are stored; a copy."""
        topology, rows = self.graph.topology, self.window
        nodes, edges = int(topology.nodes[0]), int(topology.edges[0])
        steady_s = self.frames.steady_s[rows]
        return PackedGraphs(
            node_x=self.graph.node_x[:nodes].copy(),
            node_id=topology.node_id[:nodes].copy(),
            edge_source=topology.edge_index[0, :edges].copy(),
            edge_target=topology.edge_index[1, :edges].copy(),
            edge_x=self.graph.edge_x[:edges].copy(),
            nodes=topology.nodes.copy(),
            edges=topology.edges.copy(),
            attack_fraction=(topology.attacks / self.spec.window).astype(np.float32),
            start=np.array([(self.windows - 1) * self.spec.stride]),
            start_s=self.frames.timestamp[rows][:1].copy(),
            duration_s=(steady_s[-1:] - steady_s[:1]).astype(np.float32),
        )

    def _wanted(self) -> int:
        """Frames until the next window is full; gives up what only the one before needed."""
        if self._full:
            self._full = False
            self._start += self.spec.stride
            if self._start + self.spec.window > len(self.frames.timestamp):
                past = min(self._start, self.end)
                drop_frames(self.frames, past, self.end)
                self._start -= past
                self.end -= past
            self.begin = self.end
        return self._start + self.spec.window - self.end

    def _copy(self, frames: Frames, begin: int, end: int) -> None:
        held, to = self.frames, slice(self.end, self.end + end - begin)
        held.timestamp[to] = frames.timestamp[begin:end]
        held.arbitration_id[to] = frames.arbitration_id[begin:end]
        held.dlc[to] = frames.dlc[begin:end]
        held.payload[to] = frames.payload[begin:end]
        held.label[to] = frames.label[begin:end]
        self.end = to.stop

    def _filled(self) -> LiveGraph:
        """The graph of the window that ends here."""
        self._reserve(self.end - self.begin)
        state, graph = self._state, self.graph
        graph.start[0] = self._start
        past = LivePast(self._slots.tables, self._clock.state, state.history, self._met)
        new = NewFrames(self.begin, self.end, state.frames, self.windows)
        fill_window(self.frames, new, past, graph, self.spec.features == "relational")
        state.frames += self.end - self.begin
        self.windows += 1
        self._full = True
        return graph

    def _reserve(self, more: int) -> None:
        """Makes room for so many further IDs."""
        slots = self.slot_count + more
        self._slots.reserve(more)
        self._state.reserve(slots)
        have = len(self._met.node_window)
        if slots > have:
            extra = Met.nothing(2 * slots - have, 0)
            self._met = self._met._replace(
                node_window=np.concatenate([self._met.node_window, extra.node_window]),
                node_number=np.concatenate([self._met.node_number, extra.node_number]),
            )


def _room(rows: int, words: int) -> LiveFrames:
    payload = np.zeros((rows, WORD_BYTES * words), np.uint8)
    return LiveFrames(
        timestamp=np.zeros(rows),
        arbitration_id=np.zeros(rows, np.uint32),
        dlc=np.zeros(rows, np.uint8),
        payload=payload,
        words=payload.view(np.uint64),
        label=np.zeros(rows, np.uint8),
        slots=np.zeros(rows, np.int32),
        steady_s=np.zeros(rows),
        per_frame=np.zeros((rows, len(FrameColumn)), np.float32),
    )


def graph_room(spec: WindowSpec) -> LiveGraph:
    """Room for the graph of one window, with nothing in it."""
    names = FEATURE_NAMES[spec.features]
    return LiveGraph(
        topology=room_for(1, spec.window, spec.window),
        per_window=np.zeros((1, len(WindowColumn)), np.float32),
        node_x=np.zeros((spec.window, len(names.node)), np.float32),
        edge_x=np.zeros((spec.window - 1, len(names.edge)), np.float32),
        start=np.zeros(1, np.int64),
    )
