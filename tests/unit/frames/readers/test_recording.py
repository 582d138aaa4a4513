"""Real recordings: text and parquet of the same drive agree bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording

pytestmark = pytest.mark.recordings

HCRL = {
    "Flooding_dataset_KIA.txt": "train_02_with_attacks__DoS-kia",
    "Fuzzy_dataset_SONATA.txt": "train_02_with_attacks__fuzzing-sonata",
    "Malfunction18E_dataset_Spark.txt": "test_04_unknown_vehicle_unknown_attack__malfunction-spark",
}
CSV = (
    "set_04/train_01_attack_free/accessory-3",
    "set_04/train_02_with_attacks/rpm-accessory-4",
    "set_04/test_01_known_vehicle_known_attack/speed-accessory-1",
    "set_01/train_02_with_attacks/DoS-1",
    "set_01/test_04_unknown_vehicle_unknown_attack/systematic-4",
)


def columns(frames: Frames) -> Iterator[np.ndarray]:
    yield from (frames.timestamp, frames.arbitration_id, frames.dlc, frames.payload, frames.label)


def assert_part_of(part: Frames, whole: Frames) -> None:
    (offsets,) = np.nonzero(whole.timestamp == part.timestamp[0])
    rows = slice(int(offsets[0]), int(offsets[0]) + len(part))
    for mine, theirs in zip(columns(part), columns(whole[rows]), strict=True):
        assert mine.dtype == theirs.dtype
        assert np.array_equal(mine, theirs)


@pytest.mark.parametrize(("text", "parquet"), HCRL.items())
def test_survival_text_is_the_parquet_recording(recordings: Path, text: str, parquet: str) -> None:
    part = read_recording(recordings / "raw/hcrl_survival" / text)
    whole = read_recording(recordings / f"parquet/hcrl_sa/{parquet}.parquet")
    assert (part.format, len(part.frames)) == ("hcrl", 36_000)
    assert_part_of(part.frames, whole.frames)


@pytest.mark.parametrize("name", CSV)
def test_can_train_and_test_csv_is_the_parquet_recording(recordings: Path, name: str) -> None:
    part = read_recording(recordings / f"raw/can_train_and_test/{name}.csv")
    dataset, scenario, stem = name.split("/")
    whole = read_recording(recordings / f"parquet/{dataset}/{scenario}__{stem}.parquet")
    assert part.labelled
    assert_part_of(part.frames, whole.frames)


def test_empty_payloads_of_systematic_4(recordings: Path) -> None:
    folder = "raw/can_train_and_test/set_01/test_04_unknown_vehicle_unknown_attack"
    frames = read_recording(recordings / folder / "systematic-4.csv").frames
    assert int(np.count_nonzero(frames.dlc == 0)) == 30
    assert int(frames.label.sum()) == 368


def test_car_hacking_rows_with_words_for_flags(recordings: Path) -> None:
    path = recordings / "raw/hcrl_car_hacking/attack_csv_rows.csv"
    frames = read_recording(path).frames
    assert (len(frames), int(frames.label.sum())) == (12, 2)
    assert set(frames.dlc.tolist()) == {2, 5, 8}


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("canbuslogs/civic_turn_on_and_drive.log", 28_835),
        ("canbuslogs/genesis_engine_start.log", 12_401),
        ("canbuslogs/durango_engine_on.log", 32_150),
        ("icsim/sample-can.log", 6_158),
        ("savvycan/candump.log", 12_974),
        ("one_capture/genesis_first5000.log", 5_000),
    ],
)
def test_candump_captures(recordings: Path, name: str, count: int) -> None:
    result = read_recording(recordings / "formats" / name)
    assert (result.format, result.labelled, len(result.frames)) == ("candump", False, count)


def test_capture_saved_again_has_the_same_frames(recordings: Path) -> None:
    folder = recordings / "formats"
    whole = read_recording(folder / "canbuslogs/genesis_engine_start.log").frames
    again = read_recording(folder / "one_capture/genesis_first5000.log").frames
    assert again.digest() == whole[:5000].digest()
