"""The rule on rhythms says the same of batches, of stores and, with `classic` features, nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from can_train.detectors.fusion.rhythm import rhythm, rhythm_in
from can_train.graphs.build import build_graphs
from can_train.graphs.feed import raw_graphs
from can_train.graphs.identity import WindowSpec
from tests.unit.frames_for_tests import make_frames


def attacked() -> tuple[np.ndarray, np.ndarray]:
    """Times and IDs of a bus on which a frame is put after the one at 3 s."""
    times = np.concatenate([np.arange(0, 4, 0.01), np.arange(0.001, 4, 0.004), [3.002]])
    ids = np.repeat([5, 9, 5], [400, 1000, 1])
    order = np.argsort(times, kind="stable")
    return times[order], ids[order]


def test_an_extra_frame_is_heard_in_its_window_alone() -> None:
    times, ids = attacked()
    graphs = build_graphs(
        make_frames(times, ids), WindowSpec(features="relational", window=50, stride=50)
    )
    windows = np.arange(len(graphs))[::-1].copy()
    said = rhythm_in(graphs, windows)
    inside = (graphs.start_s <= 3.002) & (3.002 <= graphs.start_s + graphs.duration_s)
    assert np.array_equal(said > 0, inside[windows])
    # A fifth of a period after the last frame: (2 - 1.2) / 2 of two periods, a quarter being 0.
    assert said.max() == pytest.approx(0.4 / 0.25 - 1, abs=0.01)
    assert torch.equal(rhythm(raw_graphs(graphs, windows)), torch.from_numpy(said))


def test_features_that_know_no_time_say_nothing() -> None:
    times, ids = attacked()
    graphs = build_graphs(
        make_frames(times, ids), WindowSpec(features="classic", window=50, stride=50)
    )
    windows = np.arange(len(graphs))
    assert set(rhythm_in(graphs, windows)) == {-1.0}
    assert set(rhythm(raw_graphs(graphs, windows)).tolist()) == {-1.0}


def test_of_no_windows_it_says_nothing() -> None:
    times, ids = attacked()
    spec = WindowSpec(features="relational", window=50, stride=50)
    none = np.zeros(0, np.int64)
    assert rhythm_in(build_graphs(make_frames(times, ids), spec), none).shape == (0,)
