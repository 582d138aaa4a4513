"""When a recording is attacked, and what its windows are."""

import numpy as np
import pytest

from can_train.evaluation.timeline import Timeline, attack_frames_between, episodes_of
from tests.unit.alarms.traffic_for_tests import ATTACK_S, benign, frames_of, injected


def timeline(attack_s, windows=60, seconds=0.5, **more):
    start_s = seconds * np.arange(windows)
    attack_s = np.array(attack_s, float)
    held = (attack_s >= start_s[:, None]) & (attack_s < start_s[:, None] + seconds)
    return Timeline(
        start_s=start_s,
        end_s=start_s + seconds - 1e-3,
        attack=held.any(axis=1),
        episodes=episodes_of(attack_s, attack_s),
        apart=1,
        share=1.0,
        **more,
    )


def test_attack_frames_at_most_two_seconds_apart_are_one_episode_in_any_order():
    times_s = np.array([7.0, 1.0, 3.0, 9.01, 11.0])
    found = episodes_of(times_s, times_s)
    assert found.start_s.tolist() == [1.0, 7.0, 9.01]
    assert found.end_s.tolist() == [3.0, 7.0, 11.0]


def test_windows_before_in_and_after_an_attack():
    found = timeline([10.2, 11.2])
    assert np.flatnonzero(found.during >= 0).tolist() == [20, 21, 22]
    assert np.flatnonzero(found.attack).tolist() == [20, 22]
    assert np.flatnonzero(found.before).tolist() == list(range(20))
    assert not found.quiet[20:26].any() and found.quiet[27:].all()  # 2 s after 11.2
    assert np.flatnonzero(found.after).tolist() == list(range(33, 60))  # 5 s after 11.2
    assert found.quiet_s == pytest.approx((0.5 - 1e-3) * 53)


def test_a_recording_without_an_attack_is_quiet_and_has_no_before():
    found = timeline([])
    assert found.quiet.all() and not found.before.any() and not found.after.any()
    assert (found.during == -1).all()


def test_unjudged_windows_are_not_quiet():
    unjudged = np.zeros(60, bool)
    unjudged[5] = True
    assert np.flatnonzero(~timeline([], unjudged=unjudged).quiet).tolist() == [5]


def test_attack_frames_of_stored_frames():
    frames = frames_of(benign() + injected(0x000, 0.01))
    times_s = attack_frames_between(frames, 0, len(frames))
    assert len(times_s) == int(frames.label.sum()) > 100
    assert ATTACK_S[0] < times_s.min() and times_s.max() < ATTACK_S[1]
    middle = int(np.flatnonzero(frames.label)[50])
    assert len(attack_frames_between(frames, middle, len(frames))) == len(times_s) - 50
