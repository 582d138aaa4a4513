"""Recordings of different cars under one name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from can_train.dataset import id_sets
from can_train.dataset.discovery import SourceFile
from can_train.dataset.id_sets import SeenIds, other_vehicles, seen_ids
from can_train.dataset.intake import recording_of
from can_train.frames.buses import Bus
from can_train.frames.frame import Frames
from tests.unit.frames_for_tests import make_frames


def traffic(ids: range) -> Frames:
    return make_frames(np.arange(400) / 1000, np.resize(np.array(ids), 400))


def seen(name: str, frames: Frames) -> SeenIds:
    file = SourceFile(
        path=Path(name),
        scenario="train_01_attack_free",
        name=name,
        source=name,
        labels="benign",
    )
    return seen_ids(recording_of(file, Bus(name="", frames=frames), "mini"), frames)


def test_recordings_of_two_cars_under_one_name_are_told() -> None:
    recordings = [seen("city", traffic(range(100, 120))), seen("yard", traffic(range(112, 130)))]
    assert list(other_vehicles(recordings)) == [
        "train_01_attack_free/yard and train_01_attack_free/city are both called mini, but share "
        "only 8 of 18 IDs: they are of different vehicles, or of different buses. Name files "
        "KIND-VEHICLE"
    ]


def test_one_car_two_names_and_few_ids_are_ordinary() -> None:
    whole = seen("city", traffic(range(100, 120)))
    assert not list(other_vehicles([whole, seen("ignition", traffic(range(100, 108)))]))
    assert not list(other_vehicles([whole, seen("drive-kia", traffic(range(200, 220)))]))
    assert not list(other_vehicles([whole, seen("probe", traffic(range(500, 503)))]))


def test_ids_of_attacks_and_rare_ones_do_not_count() -> None:
    frames = make_frames(
        np.arange(40) / 1000, [1] * 20 + [2] * 5 + [3] * 15, label=[0] * 25 + [1] * 15
    )
    assert seen("x", frames).ids == {1}


def test_ids_are_counted_over_the_whole_recording(monkeypatch) -> None:
    monkeypatch.setattr(id_sets, "_FRAMES_AT_ONCE", 7)
    extended = 0x8000_0000 | 0x18FE_F100
    ids = [0, extended, 0x7FF] * 9 + [0, extended] + [0x100] * 4
    assert seen("x", make_frames(np.arange(len(ids)) / 1000, ids)).ids == {0, extended}
