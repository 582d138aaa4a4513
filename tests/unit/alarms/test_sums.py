"""Sums of what windows show, added up as they come."""

from __future__ import annotations

import numpy as np

from can_train.alarms.sightings import Sighting, Sign
from can_train.alarms.sums import _FIRST_IDS, SightingSums
from can_train.alarms.suspects import shown_in


def sightings(ids: int) -> list[Sighting]:
    """Some windows that show up to so many IDs, in any order."""
    draw = np.random.default_rng(0)
    pool = draw.choice(2**29, ids, replace=False).astype(np.uint32)
    counts = draw.integers(1, min(ids, 90), 300)
    return [
        Sighting(
            node_id=draw.choice(pool, count, replace=False),
            x=draw.normal(size=(count, len(Sign))).astype(np.float32),
        )
        for count in counts.tolist()
    ]


def test_means_are_those_of_all_windows_together_bit_for_bit() -> None:
    for ids in (5, 3 * _FIRST_IDS):
        windows, sums = sightings(ids), SightingSums()
        for window in windows:
            sums.add(window)
        node_id = np.concatenate([window.node_id for window in windows])
        x = np.concatenate([window.x for window in windows])
        expected = shown_in(node_id, x, len(windows), np.ones(len(windows)))
        found = sums.means(len(windows), float(len(windows)))
        assert len(sums) == ids
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found.count, expected.count)
        np.testing.assert_array_equal(found.mean, expected.mean)
        assert (found.windows, found.duration_s) == (expected.windows, expected.duration_s)


def test_room_is_made_seldom_however_many_windows_there_are() -> None:
    sums = SightingSums()
    rooms = set()
    for window in sightings(40 * _FIRST_IDS):
        sums.add(window)
        rooms.add(len(sums._total))
    assert len(rooms) <= 7


def test_a_window_without_nodes_changes_nothing() -> None:
    sums = SightingSums()
    nothing = Sighting(node_id=np.zeros(0, np.uint32), x=np.zeros((0, len(Sign)), np.float32))
    sums.add(nothing)
    assert len(sums) == 0
