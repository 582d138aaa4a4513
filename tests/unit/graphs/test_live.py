"""Graphs of a stream: those of the packed path bit for bit, whatever comes in one piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.graphs.build import build_graphs
from can_train.graphs.columns import STORED, PackedGraphs
from can_train.graphs.identity import WindowSpec
from can_train.graphs.live import LiveGraphs
from tests.unit.datasets_for_tests import spec_of
from tests.unit.frames_for_tests import random_frames

FRAMES = 1500


def odd_frames(ids: int = 40) -> Frames:
    """A clock that is set twice, and more IDs as it goes on than there was room for."""
    frames = random_frames(FRAMES, ids=ids)
    late = np.arange(1000, FRAMES)
    frames.timestamp[400:] += 3600.0
    frames.timestamp[900:] -= 86_400.0
    frames.arbitration_id[late] = np.where(late % 3, frames.arbitration_id[late], 0x80001000 + late)
    return frames


def streamed(frames: Frames, spec: WindowSpec, piece: int) -> list[PackedGraphs]:
    live = LiveGraphs(spec, words=frames.payload.shape[1] // 8)
    found = []
    for begin in range(0, len(frames), piece):
        found += [live.packed() for _ in live.windows_of(frames[begin : begin + piece])]
    return found


def require_same(found: list[PackedGraphs], expected: PackedGraphs) -> None:
    assert len(found) == len(expected) > 0
    for column in STORED:
        parts = np.concatenate([column.of(graph, 0) for graph in found])
        assert np.array_equal(parts, column.of(expected, 0)), column.name


@pytest.mark.parametrize("features", ["relational", "classic"])
@pytest.mark.parametrize(("window", "stride"), [(20, 7), (20, 20), (10, 33), (2, 1)])
def test_graphs_are_those_of_the_whole_recording(features: str, window: int, stride: int) -> None:
    frames, spec = odd_frames(), spec_of(window, stride, features)  # type: ignore[arg-type]
    require_same(streamed(frames, spec, 11), build_graphs(frames, spec))


@pytest.mark.parametrize("piece", [1, 7, 1000, FRAMES])
def test_pieces_of_any_size_give_the_same(piece: int) -> None:
    frames, spec = odd_frames(), spec_of(20, 10)
    require_same(streamed(frames, spec, piece), build_graphs(frames, spec))


def test_single_frames_give_the_same() -> None:
    frames, spec = odd_frames(), spec_of(20, 10)
    live, found = LiveGraphs(spec), []
    for row in range(len(frames)):
        payload = frames.payload[row, : frames.dlc[row]].tobytes()
        at, identifier = float(frames.timestamp[row]), int(frames.arbitration_id[row])
        if live.take(at, identifier, payload) is not None:
            found.append(live.packed())
    benign = replace(frames, label=np.zeros(FRAMES, np.uint8))
    require_same(found, build_graphs(benign, spec))


def test_a_long_stream_takes_no_more_memory() -> None:
    frames, live = random_frames(FRAMES), LiveGraphs(spec_of(20, 10))

    def sizes() -> list[int]:
        parts = (*live.frames, *live._state.history, *live._met, *live._slots.tables)
        return [part.nbytes for part in parts]

    list(live.windows_of(frames))
    before = sizes()
    for _ in range(20):
        list(live.windows_of(frames))
    assert sizes() == before


def test_payloads_of_another_width_are_refused() -> None:
    frames = random_frames(30)
    wide = replace(frames, payload=np.zeros((30, 64), np.uint8))
    with pytest.raises(DataError, match="payloads of width 64 among those of 8"):
        list(LiveGraphs(spec_of(20, 10)).windows_of(wide))
    with pytest.raises(DataError, match="a payload of 12 bytes where 8 are the most"):
        LiveGraphs(spec_of(20, 10)).take(0.0, 1, bytes(12))
    live = LiveGraphs(spec_of(20, 10), words=8)
    assert len(list(live.windows_of(wide))) == 2
