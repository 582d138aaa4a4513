"""Whom an event suspects of what, from real graphs of small recordings."""

from dataclasses import replace

import numpy as np

from can_train.alarms.sightings import joined_sightings, sightings_of
from can_train.alarms.suspects import NOBODY, suspects_of
from can_train.graphs.build import build_graphs, graphs_in_turn
from tests.unit.alarms.traffic_for_tests import (
    ATTACK_S,
    SPEC,
    benign,
    event_in,
    frames_of,
    injected,
)

RANDOM = np.random.default_rng(0)


def noise(_):
    return RANDOM.integers(0, 256, 8, dtype=np.uint8).tobytes()


def test_a_flood_of_a_new_id():
    event = event_in(benign() + injected(0x000, 0.0008))
    assert (event.severity, event.kind, event.ids) == ("alarm", "flood", (0x000,))


def test_new_ids_with_any_payload_are_fuzzing():
    rows = [row for i in range(5) for row in injected(0x300 + i, 0.05 + 0.003 * i, noise)]
    event = event_in(benign() + rows)
    assert event.kind == "fuzzing"
    assert event.ids == tuple(range(0x300, 0x305))


def test_a_known_id_with_a_forged_payload_is_an_injection():
    event = event_in(benign() + injected(0x105, 0.02, lambda _: bytes([0xFF] * 8)))
    assert (event.kind, event.ids) == ("injection", (0x105,))


def test_an_id_that_falls_silent_is_a_suppression():
    rows = [r for r in benign() if r[1] != 0x102 or not ATTACK_S[0] <= r[0] <= ATTACK_S[1]]
    event = event_in(rows)
    assert (event.kind, event.ids) == ("suppression", (0x102,))


def test_benign_traffic_is_nothing():
    event = event_in(benign())
    assert (event.kind, event.ids) == ("unknown", ())


def test_without_enough_quiet_windows_before_nothing_is_said():
    graphs = build_graphs(frames_of(benign() + injected(0x000, 0.0008)), SPEC)
    found = sightings_of(graphs, np.arange(len(graphs)), SPEC)
    assert found is not None
    windows, quiet = np.arange(100, 120), np.arange(19)
    assert suspects_of(found, windows, quiet, graphs.duration_s.astype(float)) == NOBODY


def test_parts_of_a_recording_show_what_the_whole_shows():
    frames = frames_of(benign())
    graphs = build_graphs(frames, SPEC)
    whole = sightings_of(graphs, np.arange(len(graphs)), SPEC)
    parts = [sightings_of(g, np.arange(len(g)), SPEC) for g in graphs_in_turn(frames, SPEC, 37)]
    joined = joined_sightings([part for part in parts if part is not None])
    assert whole is not None and len(joined) == len(whole) > 37
    assert np.array_equal(joined.x, whole.x) and np.array_equal(joined.node_id, whole.node_id)
    assert np.array_equal(joined.node_ptr, whole.node_ptr)


def test_features_without_a_past_tell_nothing():
    classic = replace(SPEC, features="classic")
    graphs = build_graphs(frames_of(benign()), classic)
    assert sightings_of(graphs, np.arange(len(graphs)), classic) is None
