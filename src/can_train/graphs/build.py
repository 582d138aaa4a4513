"""Windows of frames become graphs: one node per arbitration ID, one edge per transition.

Graphs of many windows are written one behind the other into flat arrays (`PackedGraphs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.identity import WindowSpec
from can_train.graphs.kernels.classic import fill_classic
from can_train.graphs.kernels.relational import FrameStates, fill_relational
from can_train.graphs.kernels.topology import FrameNodes, Topology, topology_of
from can_train.graphs.past import WindowColumn
from can_train.graphs.slots import IdSlots
from can_train.graphs.state import ChunkState, IdState
from can_train.graphs.steady import SteadyClock

WINDOWS_PER_CHUNK: Final = 256
"""Windows built at once; bounds the memory of building whatever a recording's length. What is known
of their frames then stays in a core's cache, and memory is used again instead of asked for."""


def window_count(frames: int, window: int, stride: int) -> int:
    """Number of full windows in a recording; a window never crosses its end."""
    return max(0, (frames - window) // stride + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Frames with all that is known of each, from the first one of a window that isn't built."""

    frames: Frames
    slots: NDArray[np.int32]
    steady_s: NDArray[np.float64]
    per_frame: NDArray[np.float32]

    def followed_by(self, later: _Held) -> _Held:
        return _Held(
            frames=_concatenate(self.frames, later.frames),
            slots=np.concatenate([self.slots, later.slots]),
            steady_s=np.concatenate([self.steady_s, later.steady_s]),
            per_frame=np.concatenate([self.per_frame, later.per_frame]),
        )

    def after(self, count: int) -> _Held:
        return _Held(
            frames=self.frames[count:],
            slots=self.slots[count:],
            steady_s=self.steady_s[count:],
            per_frame=self.per_frame[count:],
        )


class GraphBuilder:
    """Builds the graphs of one recording, in one pass or as a live stream.

    Feed the frames in any cut to `build`; it yields the graphs of all windows that end in
    them. The numbers don't depend on the cut.

    Args:
        spec: How frames become graphs.
        words: 64-bit words per payload (1, or 8 for CAN FD).
    """

    def __init__(self, spec: WindowSpec, *, words: int = 1) -> None:
        self.spec = spec
        self._slots = IdSlots()
        self._clock = SteadyClock()
        self._state = IdState(window=spec.window, stride=spec.stride, words=words)
        self._held: _Held | None = None
        self._next_start = 0
        self._held_from = 0

    def build(self, frames: Frames) -> Iterator[PackedGraphs]:
        """Yields the graphs of the windows that end within the next frames, in chunks."""
        step = WINDOWS_PER_CHUNK * self.spec.stride
        for begin in range(0, len(frames), step):
            yield self._chunk(frames[begin : begin + step])

    def _chunk(self, frames: Frames) -> PackedGraphs:
        slots = self._slots.assign(np.ascontiguousarray(frames.arbitration_id))
        # What is remembered lives on steady time; what a window shows of time is its own stamps.
        steady_s = self._clock.follow(frames.timestamp)
        state = self._state_of(replace(frames, timestamp=steady_s), slots)
        held = _Held(frames=frames, slots=slots, steady_s=steady_s, per_frame=state.per_frame)
        if self._held is not None and len(self._held.frames):
            held = self._held.followed_by(held)
        stride = self.spec.stride
        first = self._next_start - self._held_from
        windows = window_count(max(len(held.frames) - first, 0), self.spec.window, stride)
        starts = first + stride * np.arange(windows, dtype=np.int64)
        graphs = self._graphs(held, state.per_window, starts)
        self._next_start += windows * stride
        keep = min(max(self._next_start - self._held_from, 0), len(held.frames))
        self._held = held.after(keep)
        self._held_from += keep
        return graphs

    def _state_of(self, frames: Frames, slots: NDArray[np.int32]) -> ChunkState:
        """The causal state, empty where the feature set doesn't need it."""
        if self.spec.features == "relational":
            return self._state.update(frames, slots, self._slots.count)
        return ChunkState(
            per_frame=np.empty((len(frames), 0), np.float32),
            per_window=np.empty((0, len(WindowColumn)), np.float32),
        )

    def _graphs(
        self, held: _Held, per_window: NDArray[np.float32], starts: NDArray[np.int64]
    ) -> PackedGraphs:
        """Graphs of the windows that begin at rows `starts` of the held frames."""
        frames, window = held.frames, self.spec.window
        known = FrameNodes(held.slots, frames.arbitration_id, frames.label, self._slots.count)
        topology = topology_of(known, starts, window)
        node_x, edge_x = self._features(held, per_window, starts, topology)
        return PackedGraphs(
            node_x=node_x,
            node_id=topology.node_id,
            edge_source=topology.edge_index[0],
            edge_target=topology.edge_index[1],
            edge_x=edge_x,
            nodes=topology.nodes,
            edges=topology.edges,
            attack_fraction=(topology.attacks / window).astype(np.float32),
            start=starts + self._held_from,
            start_s=frames.timestamp[starts],
            duration_s=(held.steady_s[starts + window - 1] - held.steady_s[starts]).astype(
                np.float32
            ),
        )

    def _features(
        self,
        held: _Held,
        per_window: NDArray[np.float32],
        starts: NDArray[np.int64],
        topology: Topology,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Node features [N, F] and edge features [E, G] of the feature set."""
        names, frames = FEATURE_NAMES[self.spec.features], held.frames
        node_x = np.zeros((len(topology.node_id), len(names.node)), np.float32)
        edge_x = np.zeros((topology.edge_index.shape[1], len(names.edge)), np.float32)
        if self.spec.features == "relational":
            states = FrameStates(frames.timestamp, held.per_frame, per_window)
            fill_relational(states, starts, topology, node_x, edge_x)
        else:
            fill_classic(frames.timestamp, frames.payload, starts, topology, node_x, edge_x)
        return node_x, edge_x


def build_graphs(frames: Frames, spec: WindowSpec) -> PackedGraphs:
    """The graphs of all full windows of one recording.

    Args:
        frames: The whole recording; nothing is known of what came before it.
        spec: How frames become graphs.

    Returns:
        No graphs (B = 0) where the recording is shorter than a window.
    """
    return next(graphs_in_turn(frames, spec, max(1, len(frames))))


def graphs_in_turn(frames: Frames, spec: WindowSpec, count: int) -> Iterator[PackedGraphs]:
    """The graphs of one recording, `count` windows at a time, at least once; the last have fewer.

    Args:
        frames: The whole recording.
        spec: How frames become graphs.
        count: Windows at a time; bounds the memory, not the numbers.
    """
    builder = GraphBuilder(spec, words=frames.payload.shape[1] // 8)
    begin, end = 0, spec.window + (count - 1) * spec.stride
    while begin == 0 or begin < len(frames):
        yield builder._chunk(frames[begin:end])
        begin, end = end, end + count * spec.stride


def _concatenate(first: Frames, second: Frames) -> Frames:
    return Frames(
        timestamp=np.concatenate([first.timestamp, second.timestamp]),
        arbitration_id=np.concatenate([first.arbitration_id, second.arbitration_id]),
        dlc=np.concatenate([first.dlc, second.dlc]),
        payload=np.concatenate([first.payload, second.payload]),
        label=np.concatenate([first.label, second.label]),
    )
