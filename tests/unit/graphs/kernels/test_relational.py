"""Features against the past: what they may not depend on."""

from __future__ import annotations

import numpy as np

from tests.unit.frames_for_tests import make_frames, random_frames
from tests.unit.graphs.graphs_for_tests import build, relational


def test_relational_features_do_not_know_which_id_it_is():
    """Renaming IDs in an order-preserving way changes no number."""
    frames = random_frames(600, seed=4, extended=False)
    renamed = make_frames(
        frames.timestamp,
        np.searchsorted(np.unique(frames.arbitration_id), frames.arbitration_id) + 900,
        payload=frames.payload,
        dlc=frames.dlc,
        label=frames.label,
    )
    assert np.array_equal(relational(frames).node_x, relational(renamed).node_x)
    assert np.array_equal(relational(frames).edge_x, relational(renamed).edge_x)


def test_relational_features_do_not_depend_on_the_clock():
    frames = random_frames(600, seed=5)
    exact = np.round(frames.timestamp - 1e9, 6)
    ids, payload, dlc = frames.arbitration_id, frames.payload, frames.dlc
    a = relational(make_frames(exact, ids, payload=payload, dlc=dlc))
    b = relational(make_frames(exact + 4096.0, ids, payload=payload, dlc=dlc))
    assert np.allclose(a.node_x, b.node_x, atol=1e-3)


def test_no_feature_grows_with_recording_time():
    """A steady bus looks the same after ten minutes as after one."""
    n = 400_000
    times = 1000.0 + np.arange(n) * 0.0015
    payload = np.zeros((n, 8), np.uint8)
    payload[:, 0] = np.arange(n) // 20  # a counter in every ID
    frames = make_frames(times, np.arange(n) % 20 + 100, payload=payload)
    graphs = build(frames, features="relational", window=100, stride=100)
    per_window = graphs.node_x.reshape(len(graphs.start), 20, -1)
    early, late = per_window[400:600].mean(axis=(0, 1)), per_window[-200:].mean(axis=(0, 1))
    assert np.abs(early - late).max() < 0.01
