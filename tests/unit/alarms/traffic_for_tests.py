"""Periodic traffic, and attacks that are put into it."""

from __future__ import annotations

import numpy as np

from can_train.alarms.events import Event, RecordingScores, events_of
from can_train.alarms.sightings import sightings_of
from can_train.frames.frame import Frames
from can_train.graphs.build import build_graphs
from can_train.graphs.identity import WindowSpec

SPEC = WindowSpec(features="relational", window=50, stride=50)
PERIODS_S = {0x100 + i: 0.005 * (1 + i) for i in range(10)}
LENGTH_S = 20.0
ATTACK_S = (12.0, 14.0)


def stream(arbitration_id, times_s, payload, label=0):
    """Rows (time, ID, payload, label)."""
    return [(t, arbitration_id, payload(t), label) for t in times_s]


def counter(t):
    return bytes([int(t * 10) % 16, *[7] * 7])


def benign():
    rows = []
    for number, (arbitration_id, period_s) in enumerate(PERIODS_S.items()):
        times_s = np.arange(number * 1e-4, LENGTH_S, period_s)
        rows += stream(arbitration_id, times_s, counter)
    return rows


def injected(arbitration_id, period_s, payload=counter):
    return stream(arbitration_id, np.arange(ATTACK_S[0] + 7e-4, ATTACK_S[1], period_s), payload, 1)


def frames_of(rows):
    rows = sorted(rows, key=lambda row: row[0])
    return Frames(
        timestamp=np.array([row[0] for row in rows]),
        arbitration_id=np.array([row[1] for row in rows], np.uint32),
        dlc=np.full(len(rows), 8, np.uint8),
        payload=np.array([list(row[2]) for row in rows], np.uint8),
        label=np.array([row[3] for row in rows], np.uint8),
    )


def event_in(rows) -> Event:
    """The one event of a recording whose windows of the attack are above the threshold."""
    graphs = build_graphs(frames_of(rows), SPEC)
    end_s = graphs.start_s + graphs.duration_s
    during = (end_s > ATTACK_S[0]) & (graphs.start_s < ATTACK_S[1])
    windows = RecordingScores(
        start_s=graphs.start_s, end_s=end_s, score=during.astype(float), threshold=0.5
    )
    (event,) = events_of(windows, sightings=sightings_of(graphs, np.arange(len(graphs)), SPEC))
    return event
