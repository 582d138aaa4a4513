"""What is said of frames: causally, whatever the cut, and of attacks on the own car."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from can_train.dataset.augment.streams import by_time
from can_train.vehicle.profile import SILENT
from can_train.vehicle.watch import VehicleWatch
from can_train.vehicle.windows import frame_scores
from tests.unit.vehicle.cars_for_tests import attacked, by_window, drive, fd_profile, profile

ALARM = 0.5


def alarms(vehicle: str, kind: str) -> tuple[float, float]:
    """Share of benign and of attack windows that alarm, over three recordings."""
    said, attack, touched = [], [], []
    for number in range(3):
        made = attacked(vehicle, kind, number=number)
        said.append(by_window(frame_scores([profile(vehicle)], made.frames)))
        attack.append(by_window(made.frames.label))
        touched.append(by_window(made.kind_of_frame >= 0))
    score, label, episode = (np.concatenate(parts) for parts in (said, attack, touched))
    found = float(np.mean(score[label == 1] > ALARM)) if label.any() else float("nan")
    return float(np.mean(score[~episode] > ALARM)), found


@pytest.mark.parametrize("cut", [1, 777, 9000])
def test_scores_do_not_depend_on_what_comes_later(cut: int) -> None:
    frames = attacked("alpha", "masquerade").frames
    whole = VehicleWatch(profile("alpha")).follow(frames)
    part = VehicleWatch(profile("alpha")).follow(frames[:cut])
    np.testing.assert_array_equal(whole.score[:cut], part.score)
    np.testing.assert_array_equal(whole.traits[:cut], part.traits)


def test_a_stream_in_pieces_says_the_same() -> None:
    frames = attacked("alpha", "fuzz-new").frames
    whole = VehicleWatch(profile("alpha")).follow(frames)
    watch, begin, said = VehicleWatch(profile("alpha")), 0, []
    for size in np.random.default_rng(0).integers(1, 900, 10_000):
        said.append(watch.follow(frames[begin : begin + size]).score)
        begin += size
        if begin >= len(frames):
            break
    np.testing.assert_array_equal(whole.score, np.concatenate(said))


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_further_drive_of_the_car_is_quiet(seed: int) -> None:
    frames = drive("alpha", seed=seed)
    score = by_window(frame_scores([profile("alpha")], frames))
    assert np.mean(score > ALARM) < 0.003
    assert np.mean(score > SILENT) > 0.85


@pytest.mark.parametrize("kind", ["malfunction", "replay"])
def test_injections_into_known_ids_are_found_and_leave_nothing_behind(kind: str) -> None:
    benign, found = alarms("alpha", kind)
    assert found > 0.9
    assert benign < 0.01


def test_a_clock_of_the_attackers_own_is_found_for_as_long_as_it_runs() -> None:
    frames = drive("alpha", seed=21, duration_s=40)
    quick = profile("alpha").known.ids[profile("alpha").known.core][2]
    rows = np.flatnonzero((frames.arbitration_id == quick) & (frames.timestamp > 10.0))
    time_s = frames.timestamp.copy()
    time_s[rows] = time_s[rows[0]] + 1.1 * (time_s[rows] - time_s[rows[0]])
    masked = by_time(replace(frames, timestamp=time_s))
    score = frame_scores([profile("alpha")], masked)
    own = (masked.arbitration_id == quick) & (masked.timestamp > masked.timestamp[0] + 12.0)
    assert np.mean(score[own] > ALARM) > 0.99
    third = np.array_split(np.flatnonzero(own), 3)
    assert abs(np.mean(score[third[0]] > ALARM) - np.mean(score[third[2]] > ALARM)) < 0.02
    others = (masked.arbitration_id != quick) & (score > ALARM)
    assert np.mean(others) < 0.001


def test_a_flood_is_held_against_none_of_the_car_s_ids() -> None:
    benign, _ = alarms("alpha", "flood")
    assert benign < 0.005
    real = drive("alpha", "DoS", seed=3)
    score = by_window(frame_scores([profile("alpha")], real))
    assert np.mean(score[by_window(real.label) == 0] > ALARM) < 0.005


@pytest.mark.parametrize("other", ["bravo", "charlie"])
def test_other_cars_are_met_with_silence(other: str) -> None:
    for frames in (drive(other, seed=5), attacked(other, "masquerade").frames):
        assert frame_scores([profile("alpha")], frames).max() == SILENT


def test_of_several_profiles_the_car_s_own_speaks() -> None:
    frames = attacked("bravo", "malfunction").frames
    own = frame_scores([profile("bravo")], frames)
    both = frame_scores([profile("alpha"), profile("bravo")], frames)
    np.testing.assert_array_equal(own, both)


def test_classic_frames_are_compared_with_a_can_fd_profile_as_if_they_were_padded() -> None:
    frames = attacked("alpha", "fuzz-known").frames
    narrow, wide = (frame_scores([fd_profile("alpha")], f) for f in (frames, frames.widened(64)))
    np.testing.assert_array_equal(narrow, wide)
    assert narrow.max() > ALARM
