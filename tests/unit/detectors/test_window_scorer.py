"""Window by window in compiled loops: what they need, and what they don't."""

from __future__ import annotations

import numpy as np
import pytest
from numba.core.runtime import nrt

from can_train.config.spec import spec_of
from can_train.detectors.window_scorer import builder_of
from can_train.graphs.identity import WindowSpec
from can_train.graphs.live import LiveGraphs
from tests.unit.detectors.windows_for_tests import (
    WINDOW,
    known_in,
    odd_windows,
    on_windows,
    scorer_of,
)
from tests.unit.detectors_for_tests import untrained
from tests.unit.frames_for_tests import random_frames


@pytest.mark.parametrize("model", ["vgae", "gat", "dqn"])
def test_every_detector_of_ours_has_a_compiled_form(model: str) -> None:
    assert builder_of(spec_of(model)) is not None


def test_a_window_allocates_nothing_but_the_headers_of_what_is_handed_over() -> None:
    """Those are as many for every window, whatever its size, but where frames move to the front."""
    detectors = {
        model: untrained(on_windows(model), vocabulary=known_in(odd_windows()[0]))
        for model in ("vgae", "gat")
    }
    scorers = {name: scorer_of(detector) for name, detector in detectors.items()}
    live, frames = LiveGraphs(WindowSpec.of(on_windows("gat").data)), random_frames(40 * WINDOW)
    vars(nrt)["_nrt"].memsys_enable_stats()
    allocated, edges = [], set()
    for graph in live.windows_of(frames):
        edges.add(int(graph.topology.edges[0]))
        for scorer in scorers.values():
            scorer.look(graph)
        allocated.append(nrt.rtsys.get_allocation_stats().mi_alloc)
    assert len(edges) > 3
    least = min(np.diff(allocated))
    assert set(np.diff(allocated)) == {least, least + len(live.frames)}
