"""Whether a recording is of the profile's vehicle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from can_train.frames.frame import COLUMNS, Frames
from can_train.vehicle.gate import SURE_AFTER_S
from can_train.vehicle.profile import SILENT
from can_train.vehicle.watch import VehicleWatch
from tests.unit.vehicle.cars_for_tests import attacked, drive, profile


def with_more(frames: Frames, more: Frames) -> Frames:
    """Both on one bus, by time."""
    joined = {
        column.name: np.concatenate([column.of(frames), column.of(more)]) for column in COLUMNS
    }
    order = np.argsort(joined["timestamp"], kind="stable")
    return Frames(**{name: values[order] for name, values in joined.items()})


def opened_after_s(frames: Frames) -> float:
    """When the profile of alpha first spoke; infinite if it never did."""
    spoke = np.flatnonzero(VehicleWatch(profile("alpha")).follow(frames).score > SILENT)
    return float(frames.timestamp[spoke[0]] - frames.timestamp[0]) if len(spoke) else np.inf


def test_it_is_sure_within_seconds_and_not_before() -> None:
    assert SURE_AFTER_S <= opened_after_s(drive("alpha", seed=7)) < SURE_AFTER_S + 0.5


def test_a_flood_from_the_first_frame_does_not_shut_it() -> None:
    frames = drive("alpha", seed=7)
    times = np.arange(frames.timestamp[0], frames.timestamp[0] + 8.0, 0.0005)
    flood = Frames(
        timestamp=times,
        arbitration_id=np.zeros(len(times), np.uint32),
        dlc=np.full(len(times), 8, np.uint8),
        payload=np.zeros((len(times), 8), np.uint8),
        label=np.ones(len(times), np.uint8),
    )
    assert opened_after_s(with_more(frames, flood)) < SURE_AFTER_S + 0.5


def test_an_attacked_start_does_not_shut_it_for_good() -> None:
    frames = drive("alpha", seed=7, duration_s=40)
    start_s = frames.timestamp[0]
    early = frames.timestamp < start_s + 3.0
    garbage = np.random.default_rng(0).integers(0, 256, frames.payload.shape, dtype=np.uint8)
    forged = replace(frames, payload=np.where(early[:, None], garbage, frames.payload))
    assert opened_after_s(forged) < 10.0


def test_another_car_of_the_same_ids_and_periods_is_told_by_what_it_has_besides() -> None:
    frames = drive("alpha", seed=7)
    more = frames[np.isin(frames.arbitration_id, np.unique(frames.arbitration_id)[3:9])]
    cousin = with_more(frames, replace(more, arbitration_id=more.arbitration_id + 0x7000))
    assert opened_after_s(frames) < np.inf
    assert opened_after_s(cousin) == np.inf


def test_the_same_ids_at_another_pace_are_another_car() -> None:
    frames = drive("alpha", seed=7)
    assert opened_after_s(replace(frames, timestamp=1.5 * frames.timestamp)) == np.inf


def test_random_ids_of_a_fuzzing_attack_are_no_sign_of_another_car() -> None:
    frames = attacked("alpha", "fuzz-new").frames
    assert len(np.unique(frames.arbitration_id)) > 100
    assert VehicleWatch(profile("alpha")).follow(frames).score[-1000:].max() > SILENT
