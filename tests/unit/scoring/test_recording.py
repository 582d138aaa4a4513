"""What a detector says about one file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from can_train.alarms.rule import SEVERITIES
from can_train.dataset.discovery import lone_file
from can_train.dataset.labels import Labels
from can_train.dataset.request import AS_FOUND, Reading
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG
from can_train.scoring.documents import Scoring, id_text, scores_csv, scores_json
from can_train.scoring.recording import ScoredRecording, score_file
from can_train.scoring.tables import EVENTS, SUMMARY, event_rows, heading, summary_rows
from tests.lab import Lab
from tests.unit.datasets_for_tests import write_csv
from tests.unit.frames_for_tests import random_frames

ATTACK = "test_01_known_vehicle_known_attack/DoS-bravo.csv"


@pytest.fixture(scope="module")
def detector(lab: Lab) -> FrameScorer:
    """A GAT, trained enough to alarm at something."""
    return load_detector(Path(str(lab.student("gat").path)))


def scored(
    detector: FrameScorer, path: Path, reading: Reading = AS_FOUND, told: list[str] | None = None
) -> list[ScoredRecording]:
    file = lone_file(path)
    labels = Labels(reading.labels, [file])
    lines = [] if told is None else told
    return score_file(detector, file, reading, labels, lines.append)


@pytest.fixture(scope="module")
def labelled(lab: Lab, detector: FrameScorer) -> ScoredRecording:
    return scored(detector, lab.home / "csv" / lab.dataset / ATTACK)[0]


@pytest.fixture(scope="module")
def unlabelled(
    lab: Lab, detector: FrameScorer, tmp_path_factory: pytest.TempPathFactory
) -> ScoredRecording:
    """The same frames as a candump log."""
    log = tmp_path_factory.mktemp("log") / "drive.log"
    with (lab.home / "csv" / lab.dataset / ATTACK).open(newline="") as file:
        lines = [
            f"({float(row['timestamp']):.6f}) can0 {row['arbitration_id']}#{row['data_field']}\n"
            for row in csv.DictReader(file)
        ]
    log.write_text("".join(lines))
    return scored(detector, log)[0]


def test_labels_change_nothing_but_what_is_told_of_them(
    labelled: ScoredRecording, unlabelled: ScoredRecording
) -> None:
    assert (labelled.labelled, unlabelled.labelled) == (True, False)
    assert (labelled.format, unlabelled.format) == ("can-train-and-test", "candump")
    assert labelled.attack_windows == labelled.windows.label.sum() > 0
    assert unlabelled.attack_windows is None
    assert np.array_equal(labelled.windows.score["gat"], unlabelled.windows.score["gat"])


def test_windows_know_their_time_and_their_alarm_level(labelled: ScoredRecording) -> None:
    windows = labelled.windows
    assert (windows.end_s > windows.start_s).all()
    assert labelled.frames // 50 == len(windows)
    quiet = labelled.severity["gat"] == SEVERITIES.index("quiet")
    assert not windows.alarm["gat"][quiet].any()
    for event in labelled.events["gat"]:
        inside = (windows.start_s >= event.start_s) & (windows.end_s <= event.end_s)
        assert windows.alarm["gat"][inside].sum() == event.windows
    above = sum(event.windows for event in labelled.events["gat"])
    assert above == windows.alarm["gat"].sum()


def test_a_recording_shorter_than_a_window_is_refused(
    detector: FrameScorer, tmp_path: Path
) -> None:
    write_csv(tmp_path / "short.csv", random_frames(49, seed=1, extended=False))
    with pytest.raises(DataError, match="short.csv: 49 frames are fewer than a window of 50"):
        scored(detector, tmp_path / "short.csv")


def test_buses_are_scored_apart_and_labels_of_a_table_count(
    detector: FrameScorer, unlabelled: ScoredRecording, tmp_path: Path
) -> None:
    """Every frame comes on can1, too; what one bus sends is no news to the other."""
    lines = unlabelled.file.read_text().splitlines(keepends=True)
    both = tmp_path / "both.log"
    both.write_text("".join(x + x.replace("can0", "can1") for x in lines))
    (tmp_path / "labels.csv").write_text("frame\n100\n")
    told: list[str] = []
    reading = Reading(labels=str(tmp_path / "labels.csv"))
    first, second = scored(detector, both, reading, told)
    assert (first.name, second.name) == (f"{both}@can0", f"{both}@can1")
    assert any("2 buses, a recording each: can0" in line for line in told)
    for one in (first, second):
        assert np.array_equal(one.windows.score["gat"], unlabelled.windows.score["gat"])
    assert (first.attack_windows, second.attack_windows) == (1, 0)
    (alone,) = scored(detector, both, Reading(bus="can1"))
    assert (alone.name, alone.frames) == (str(both), unlabelled.frames)
    scoring = Scoring(run="0123456789ab", detector=detector, recordings=[first, second])
    rows = list(csv.DictReader(io.StringIO(scores_csv(scoring))))
    assert {row["bus"] for row in rows} == {"can0", "can1"}
    assert [r["bus"] for r in json.loads(scores_json(scoring))["recordings"]] == ["can0", "can1"]


def test_documents_hold_every_window(
    detector: FrameScorer, labelled: ScoredRecording, unlabelled: ScoredRecording
) -> None:
    scoring = Scoring(
        run="0123456789ab", detector=detector, recordings=[labelled, unlabelled], problems=["x: no"]
    )
    rows = list(csv.DictReader(io.StringIO(scores_csv(scoring))))
    assert list(rows[0]) == [
        "file", "bus", "start_frame", "start_s", "end_s", "label",
        *(
            f"{scorer}_{column}"
            for scorer in ("vehicle_profile", "gat")
            for column in ("score", "p_value", "threshold", "above", "severity")
        ),
    ]  # fmt: skip
    count = len(labelled.windows)
    assert len(rows) == 2 * count
    assert [float(row["gat_score"]) for row in rows[:count]] == list(labelled.windows.score["gat"])
    assert sum(int(row["label"]) for row in rows[:count]) == labelled.attack_windows
    assert {row["label"] for row in rows[count:]} == {""}
    assert {row["gat_above"] for row in rows} <= {"0", "1"}
    document = json.loads(scores_json(scoring))
    first, second = document["recordings"]
    assert document["problems"] == ["x: no"]
    assert first["windows"]["score"]["gat"] == list(labelled.windows.score["gat"])
    assert (second["windows"]["label"], second["attack_windows"]) == (None, None)
    assert len(first["events"]["gat"]) == len(labelled.events["gat"])
    assert set(first["windows"]["severity"]["gat"]) <= set(SEVERITIES)


def test_tables_tell_scorers_and_events(
    detector: FrameScorer, labelled: ScoredRecording, unlabelled: ScoredRecording
) -> None:
    scoring = Scoring(run="0123456789ab", detector=detector, recordings=[labelled, unlabelled])
    assert heading(scoring).startswith("run 0123456789ab: gat, a window of 50 frames every 50; ")
    rows = summary_rows(detector, scoring.recordings)
    assert [row[SUMMARY.index("attacks")] for row in rows] == [
        f"{labelled.attack_windows:,}", "", "no labels", "",
    ]  # fmt: skip
    above = int(labelled.windows.alarm["gat"].sum())
    assert rows[1][SUMMARY.index("above threshold")] == f"{above:,}"
    events = event_rows(labelled, "gat")
    assert all(len(row) == len(EVENTS) for row in events)
    assert len(events) == min(len(labelled.events["gat"]), 21)


def test_ids_are_written_as_on_the_bus() -> None:
    assert id_text(0x1A) == "01A"
    assert id_text(int(EXTENDED_FLAG) | 0x18FEF1) == "0018FEF1"
