"""Small inputs that were once read wrong, from the file to the stored recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.prepare import prepare_dataset
from can_train.dataset.request import PrepareRequest, Reading
from can_train.errors import DataError
from can_train.frames.timing import TimeUnit

pytestmark = pytest.mark.recordings


def own(tmp_path: Path, recordings: Path, case: str, attack: str | None = None) -> PrepareRequest:
    """The benign part of a case, or a benign one beside its attacks."""
    benign = f"{case}/benign" if attack is None else "quoted_csv/benign"
    return PrepareRequest(
        modality="automotive",
        dataset="case",
        data_root=tmp_path / "data",
        benign=recordings / "cases" / benign,
        attack=None if attack is None else recordings / "cases" / case / attack,
    )


def prepared(request: PrepareRequest) -> tuple[DatasetManifest, list[str]]:
    told: list[str] = []
    return prepare_dataset(request, report=told.append), told


@pytest.mark.parametrize(
    ("case", "note", "frames"),
    [
        ("stray_stamp", "the clock jumps: +6.2", 500),
        ("time_descending", "timestamps descend: the newest frame is first", 500),
    ],
)
def test_odd_clocks_are_named(
    tmp_path: Path, recordings: Path, case: str, note: str, frames: int
) -> None:
    manifest, told = prepared(own(tmp_path, recordings, case))
    assert any(note in line for line in told)
    assert manifest.train[0].frames == frames
    assert 0.1 < manifest.train[0].duration_s < 5.0


def test_recording_without_time_is_refused(tmp_path: Path, recordings: Path) -> None:
    with pytest.raises(DataError, match="all 500 timestamps are 0, and without time nothing"):
        prepared(own(tmp_path, recordings, "time_zero"))


@pytest.mark.parametrize("unit", ["us", "ms"])
def test_units_are_recognised(tmp_path: Path, recordings: Path, unit: TimeUnit) -> None:
    request = own(tmp_path, recordings, f"time_{unit}")
    with pytest.raises(DataError, match=f"read it with --time-unit {unit}"):
        prepared(request)
    manifest, _ = prepared(replace(request, reading=Reading(time_unit=unit)))
    recording = manifest.train[0]
    assert 100 < recording.frames / recording.duration_s < 3000


@pytest.mark.parametrize("case", ["label_column", "candump_label"])
def test_attacks_stay_attacks(tmp_path: Path, recordings: Path, case: str) -> None:
    manifest, _ = prepared(own(tmp_path, recordings, case, "attack"))
    assert manifest.train[1].attack_frames == 146
    request = own(tmp_path / "b", recordings, case)
    with pytest.raises(DataError, match="146 of 500 frames are labelled as attacks"):
        prepared(replace(request, benign=recordings / "cases" / case / "attack"))


def test_attack_without_a_label_is_refused_or_accepted_but_never_benign(
    tmp_path: Path, recordings: Path
) -> None:
    request = own(tmp_path, recordings, "attack_without_label", "attack")
    with pytest.raises(DataError, match="none of its 500 frames is labelled as an attack"):
        prepared(request)
    manifest, _ = prepared(replace(request, reading=Reading(accept_unlabelled=True)))
    assert manifest.train[1].labels_say_nothing


@pytest.mark.parametrize("case", ["cut_last_line", "nul_tail"])
def test_last_line_of_a_recorder_without_power(tmp_path: Path, recordings: Path, case: str) -> None:
    request = own(tmp_path, recordings, case)
    with pytest.raises(DataError, match="drive1.log:300: .*\n.*leave such lines out with --leni"):
        prepared(request)
    manifest, told = prepared(replace(request, reading=Reading(lenient=0.01)))
    assert manifest.train[0].frames == 299
    assert any("1 malformed line left out" in line for line in told)
