"""Graphs of several recordings, built side by side on all cores and given in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Full, Queue
from threading import Event
from typing import Final, Generic, TypeVar

from can_train.frames.frame import Frames
from can_train.graphs.build import GraphBuilder
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.identity import WindowSpec

T = TypeVar("T")

_LOOK_S: Final = 0.1
"""How soon a builder notices that nobody takes its graphs any more."""


@contextmanager
def built_ahead(
    sources: Iterable[T], frames_of: Callable[[T], Frames], spec: WindowSpec
) -> Iterator[Iterator[tuple[T, Iterator[PackedGraphs]]]]:
    """Each source with its graphs, in chunks; all of one source's are taken before the next one.

    Compiled functions run without the interpreter's lock, so threads are enough. A builder holds
    one chunk that nobody took and one that it builds: memory is bounded whatever a recording's
    length.

    Args:
        sources: Recordings; the next ones are asked for while earlier ones are built.
        frames_of: The frames of one, read in its builder's thread.
        spec: How they become graphs.
    """
    stop = Event()
    with ThreadPoolExecutor(_cores()) as pool:
        try:
            yield _in_order(sources, lambda source: _Builder(pool, source, frames_of, spec, stop))
        finally:
            stop.set()


def _in_order(
    sources: Iterable[T], start: Callable[[T], _Builder[T]]
) -> Iterator[tuple[T, Iterator[PackedGraphs]]]:
    waiting: deque[_Builder[T]] = deque()
    for source in sources:
        waiting.append(start(source))
        if len(waiting) >= _cores():
            builder = waiting.popleft()
            yield builder.source, builder.chunks()
    while waiting:
        builder = waiting.popleft()
        yield builder.source, builder.chunks()


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Builder(Generic[T]):
    """Builds the graphs of one source in a thread."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        source: T,
        frames_of: Callable[[T], Frames],
        spec: WindowSpec,
        stop: Event,
    ) -> None:
        self.source = source
        self._frames_of, self._spec, self._stop = frames_of, spec, stop
        self._ready: Queue[PackedGraphs | None] = Queue(maxsize=1)
        self._done: Future[None] = pool.submit(self._build)

    def chunks(self) -> Iterator[PackedGraphs]:
        """The graphs, as they get ready; raises what building raised."""
        while (graphs := self._ready.get()) is not None:
            yield graphs
        self._done.result()

    def _build(self) -> None:
        try:
            frames = self._frames_of(self.source)
            builder = GraphBuilder(self._spec, words=frames.payload.shape[1] // 8)
            for graphs in builder.build(frames):
                self._hand_over(graphs)
                if self._stop.is_set():
                    break
        finally:
            self._hand_over(None)

    def _hand_over(self, graphs: PackedGraphs | None) -> None:
        """Waits until the graphs before are taken; None ends them."""
        while not self._stop.is_set():
            try:
                self._ready.put(graphs, timeout=_LOOK_S)
                break
            except Full:
                continue
