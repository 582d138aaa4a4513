"""Labels that stand in a file of their own, in every form."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.discovery import SourceFile
from can_train.dataset.labels import Labels
from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG
from can_train.frames.readers import read_recording
from can_train.frames.result import ReadResult
from tests.unit.frames_for_tests import make_frames

IDS = [0x39E, 0x100, int(EXTENDED_FLAG) | 0x39E]
PAYLOAD = np.zeros((30, 8), np.uint8)
PAYLOAD[:, 0] = np.arange(30)
FRAMES = make_frames(1000.0 + np.arange(30) / 10, IDS * 10, payload=PAYLOAD)
READ = ReadResult(frames=FRAMES, format="candump", labelled=False)


def file_of(folder: Path, name: str = "drive") -> SourceFile:
    return SourceFile(
        path=folder / f"{name}.log",
        scenario="train_02_with_attacks",
        name=name,
        source=f"{name}.log",
        labels="needed",
    )


def labelled(folder: Path, text: str, end: str = ".csv") -> tuple[list[int], str]:
    """Frames that a table makes attacks, and how."""
    table = folder / f"labels{end}"
    table.write_text(text)
    file = file_of(folder)
    found = Labels(str(table), [file]).put_on(file, READ)
    assert found.result.labelled
    return np.flatnonzero(found.result.frames.label).tolist(), found.note


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("start,end\n1000.5,1000.7\n", [5, 6, 7]),
        ("start,end\n0.5,0.7\n", [5, 6, 7]),
        ("start;end;id\n1000.0;1001.0;39E\n", [0, 2, 3, 5, 6, 8, 9]),
        ("Start_s,Stop,CAN_ID,kind\n1000.0,1000.3,0x100,DoS\n2.9,2.9,,fuzzing\n", None),
        ("frame\n3\n7\n", [3, 7]),
        ("label\n" + "0\n" * 29 + "1\n", [29]),
        ("label\n" + "Normal\n" * 28 + "R\nT\n", [29]),
        ("id,label\n" + "1,benign\n" * 28 + "1,Spoofed\n1,yes\n", [28, 29]),
    ],
)
def test_tables(tmp_path: Path, text: str, frames: list[int] | None) -> None:
    if frames is None:
        with pytest.raises(DataError, match="no frame of .* lies there, so its label would be"):
            labelled(tmp_path, text)
        return
    assert labelled(tmp_path, text)[0] == frames


def test_json_and_what_is_told(tmp_path: Path) -> None:
    rows = [{"start": 0.5, "end": 0.7, "id": 0x39E, "kind": "injected"}]
    frames, note = labelled(tmp_path, json.dumps(rows), ".json")
    assert frames == [5, 6]
    assert note.endswith(
        "drive.log: 2 attack frames by 1 interval counted from the first frame of --labels"
    )


def test_kind_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("start,end,kind\n0.1,0.1,fuzzing\n0.5,0.5,DoS\n")
    file = file_of(tmp_path)
    assert Labels(str(tmp_path / "t.csv"), [file]).put_on(file, READ).kind == "DoS+fuzzing"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,2\n", "doesn't say what it labels. A table of labels has the columns start and"),
        ("start,end\n1000.1,\n", "doesn't say what it labels"),
        ("start,end\nsoon,later\n", "row 1: could not convert string to float: 'soon'"),
        ("start,end,id\n1,2,xyz\n", "invalid literal for int"),
        ("start,end\n", "holds no rows"),
        ("label\n1\n", "1 label for 30 frames"),
        ("label\n2\n", "label is '2', neither 0 nor 1"),
        ("label\nKia\nSoul\n", "labels Kia, Soul and no word for benign frames .0, 0.0, r"),
        ("frame\n30\n", "frame 30 isn't among 0 to 29"),
        ("start,end\n5000,5001\n", "no frame of .*drive.log lies there"),
        ("start,end,file\n0,1,other\n", "no recording is called other. There are: drive"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        labelled(tmp_path, text)


def test_table_of_several_recordings_names_them(tmp_path: Path) -> None:
    first, second = file_of(tmp_path), file_of(tmp_path, "later")
    table = tmp_path / "t.csv"
    table.write_text("frame\n3\n")
    with pytest.raises(DataError, match="the table doesn't say which of 2 recordings it is about"):
        Labels(str(table), [first, second])
    table.write_text("file,frame\nlater.log,3\n")
    labels = Labels(str(table), [first, second])
    assert not labels.put_on(first, READ).result.labelled
    assert labels.put_on(second, READ).result.frames.label.sum() == 1


def test_folder_of_tables(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    (tmp_path / "labels").mkdir()
    with pytest.raises(DataError, match="about none of 1 recording"):
        Labels(str(tmp_path / "labels"), [file])
    (tmp_path / "labels/drive.csv").write_text("frame\n3\n")
    assert Labels(str(tmp_path / "labels"), [file]).put_on(file, READ).result.frames.label[3] == 1
    with pytest.raises(DataError, match="label: no such file in .*; did you mean labels.* A table"):
        Labels(str(tmp_path / "label"), [file])


def test_labels_that_contradict_those_of_the_recording(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("frame\n3\n")
    file, label = file_of(tmp_path), np.zeros(30, np.uint8)
    label[[3, 4]] = 1
    own = replace(READ, frames=replace(FRAMES, label=label), labelled=True)
    with pytest.raises(DataError, match="differ in 1 frame"):
        Labels(str(tmp_path / "t.csv"), [file]).put_on(file, own)


def test_road_payload_pattern_and_any_id(tmp_path: Path) -> None:
    entry = {
        "injection_id": "XXX",
        "injection_interval": [0.0, 2.0],
        "injection_data_str": "0XXXXXXXXXXXXXXX",
    }
    none = {"injection_id": None, "injection_interval": None}
    metadata = {"drive": entry, "accelerator": none}
    (tmp_path / "capture_metadata.json").write_text(json.dumps(metadata))
    file, silent = file_of(tmp_path), file_of(tmp_path, "accelerator")
    labels = Labels("road", [file, silent])
    label = labels.put_on(file, READ).result.frames.label
    assert np.flatnonzero(label).tolist() == list(range(16))
    assert not labels.put_on(silent, READ).result.labelled


@pytest.mark.recordings
def test_road_case(recordings: Path) -> None:
    folder = recordings / "cases/road_labels/attacks"
    file = file_of(folder, "correlated_signal_attack_1")
    labels = Labels("road", [file])
    found = labels.put_on(file, read_recording(file.path)).result.frames
    attacks = np.flatnonzero(found.label)
    assert len(attacks) == 5
    assert set(found.arbitration_id[attacks].tolist()) == {0x39E}
    since = found.timestamp[attacks] - found.timestamp[0]
    assert since.min() >= 0.3 and since.max() <= 0.4
