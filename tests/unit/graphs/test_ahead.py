"""Graphs of several recordings, built side by side: order, and an end before the end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.graphs import ahead
from can_train.graphs.ahead import built_ahead
from can_train.graphs.build import WINDOWS_PER_CHUNK, GraphBuilder, build_graphs
from can_train.graphs.columns import PackedGraphs
from tests.unit.datasets_for_tests import some_frames, spec_of

SPEC = spec_of(20, 1)


def test_all_come_in_order_whoever_is_ready_first(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    frames = [some_frames(seed)[: 12_000 if seed == 0 else 300] for seed in range(5)]
    with built_ahead(range(5), frames.__getitem__, SPEC) as built:
        found = [(source, np.concatenate([c.edge_x for c in chunks])) for source, chunks in built]
    assert [source for source, _ in found] == list(range(5))
    for source, edges in found:
        assert np.array_equal(edges, build_graphs(frames[source], SPEC).edge_x)


def test_who_stops_taking_ends_the_builders(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    asked = []

    def sources() -> Iterator[int]:
        for number in range(9):
            asked.append(number)
            yield number

    with built_ahead(sources(), some_frames, SPEC) as built:
        source, chunks = next(built)
        assert (source, next(chunks).start[0]) == (0, 0)
    assert asked == [0, 1]


def test_nobody_waits_for_the_end_of_a_recording(monkeypatch) -> None:
    monkeypatch.setattr(ahead, "_LOOK_S", 60.0)
    begin = time.monotonic()
    with built_ahead(range(5), some_frames, SPEC) as built:
        for _, chunks in built:
            assert sum(map(len, chunks)) > 0
    assert time.monotonic() - begin < 50.0


def test_what_a_builder_raises_is_raised_behind_its_graphs() -> None:
    def frames_of(number: int) -> Frames:
        if number:
            raise DataError("no such frames")
        return some_frames(number)

    with built_ahead(range(2), frames_of, SPEC) as built:
        assert sum(map(len, next(built)[1])) > 0
        with pytest.raises(DataError, match="no such frames"):
            list(next(built)[1])


def test_who_stops_taking_waits_for_no_whole_recording(monkeypatch) -> None:
    built_chunks = []
    build = GraphBuilder.build

    def counted(self: GraphBuilder, frames: Frames) -> Iterator[PackedGraphs]:
        for graphs in build(self, frames):
            built_chunks.append(len(graphs))
            yield graphs

    monkeypatch.setattr(GraphBuilder, "build", counted)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    frames = some_frames(0)
    assert len(frames) > 5 * WINDOWS_PER_CHUNK
    with built_ahead([0], lambda _: frames, SPEC) as built:
        next(next(built)[1])
    assert len(built_chunks) <= 4  # taken, ready, waiting for its turn, begun
