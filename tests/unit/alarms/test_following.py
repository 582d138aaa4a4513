"""Events of a stream: those of the whole recording."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from can_train.alarms.events import Event, RecordingScores, events_of
from can_train.alarms.following import EventFollower, JudgedWindow
from can_train.alarms.rule import AlarmStage
from can_train.alarms.sightings import Sighting, Sightings, Sign
from can_train.graphs.columns import first_rows

WINDOW, THRESHOLD = 100, 1.0


def sightings(windows: int, rng: np.random.Generator) -> Sightings:
    """IDs that come and go, with random signs."""
    counts = rng.integers(3, 9, windows)
    ids = [rng.choice(12, count, replace=False) for count in counts]
    return Sightings(
        node_ptr=first_rows(counts),
        node_id=np.concatenate(ids).astype(np.uint32),
        x=rng.random((int(counts.sum()), len(Sign))).astype(np.float32),
        window=WINDOW,
    )


def followed(
    scored: RecordingScores, apart: int, seen: Sightings | None
) -> tuple[list[Event], EventFollower]:
    follower, stage = EventFollower(WINDOW), AlarmStage(THRESHOLD, apart=apart)
    found = []
    for number in range(len(scored.score)):
        sighting = None
        if seen is not None:
            rows = slice(seen.node_ptr[number], seen.node_ptr[number + 1])
            sighting = Sighting(node_id=seen.node_id[rows], x=seen.x[rows])
        score = float(scored.score[number])
        ended = follower.update(
            JudgedWindow(
                start_s=float(scored.start_s[number]),
                end_s=float(scored.end_s[number]),
                score=score,
                above=score > THRESHOLD,
                severity=stage.update(score),
                sighting=sighting,
            )
        )
        found += [ended] if ended is not None else []
    found += [follower.open] if follower.open is not None else []
    return found, follower


def scored(seed: int, hot: float) -> RecordingScores:
    """Windows of some seconds, on a clock that is set back and forth."""
    rng = np.random.default_rng(seed)
    start_s = np.cumsum(rng.exponential(0.3, 600))
    start_s[200:] -= 50.0
    start_s[400:] += 7.0
    above: NDArray[np.bool_] = rng.random(600) < hot
    return RecordingScores(
        start_s=start_s,
        end_s=start_s + rng.exponential(0.5, 600),
        score=np.where(above, 2.0, 0.0) + rng.random(600),
        threshold=THRESHOLD,
    )


@pytest.mark.parametrize("apart", [1, 10])
@pytest.mark.parametrize("hot", [0.0, 0.03, 0.2])
@pytest.mark.parametrize("features", [True, False])
def test_events_are_those_of_the_whole_recording(apart: int, hot: float, features: bool) -> None:
    seen = sightings(600, np.random.default_rng(1)) if features else None
    windows = scored(0, hot)
    expected = events_of(windows, apart=apart, sightings=seen)
    assert bool(expected) == (hot > 0)
    found, _ = followed(windows, apart, seen)
    assert found == list(expected)
    assert not features or not expected or any(event.ids for event in expected)


def test_an_open_event_is_known_before_it_is_over() -> None:
    follower = EventFollower(WINDOW)
    window = JudgedWindow(
        start_s=0.0, end_s=0.1, score=3.0, above=True, severity="notice", sighting=None
    )
    assert EventFollower(WINDOW).open is None
    assert follower.update(window) is None
    opened = follower.open
    assert opened is not None and (opened.severity, opened.peak_score) == ("notice", 3.0)
