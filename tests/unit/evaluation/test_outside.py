"""Labelled recordings that were never imported, as scenarios of an evaluation."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.request import Reading
from can_train.dataset.windows import DatasetWindows
from can_train.errors import DataError, ProblemList
from can_train.evaluation.outside import outside_places
from can_train.evaluation.places import places_of
from tests.lab import Lab
from tests.unit.datasets_for_tests import write_csv
from tests.unit.frames_for_tests import random_frames

KNOWN = "test_01_known_vehicle_known_attack"


@pytest.fixture(scope="module")
def inputs(lab: Lab) -> DatasetWindows:
    return lab.inputs(lab.config("gat"))


@pytest.fixture
def folder(lab: Lab, tmp_path: Path) -> Path:
    """A scenario folder, a flat name, and files of the folder's own."""
    source, folder = lab.home / "csv" / lab.dataset, tmp_path / "drives"
    shutil.copytree(source / KNOWN, folder / KNOWN)
    shutil.copy(source / KNOWN / "DoS-bravo.csv", folder / "test_02_other__DoS-bravo.csv")
    (folder / "monday").mkdir()
    shutil.copy(source / KNOWN / "DoS-bravo.csv", folder / "monday" / "DoS-bravo.csv")
    (folder / "README.md").write_text("labelled by hand\n")
    return folder


def test_their_windows_are_those_of_imported_ones(folder: Path, inputs: DatasetWindows) -> None:
    imported = next(place for place in places_of(inputs) if place.scenario == KNOWN)
    with outside_places(folder, inputs) as places:
        assert [place.scenario for place in places] == [
            "recordings/drives", f"recordings/drives/{KNOWN}", "recordings/drives/test_02_other",
        ]  # fmt: skip
        assert [file.file for file, _ in places[0].files()] == ["monday/DoS-bravo"]
        same = places[1]
        assert np.array_equal(same.label, imported.label)
        assert np.array_equal(
            same.store.node_x[same.store.node_ptr[same.windows[0]] :][:1000],
            imported.store.node_x[imported.store.node_ptr[imported.windows[0]] :][:1000],
        ) or len(same.store.recordings) > len(imported.store.recordings)
        assert sorted(same.digests.values()) == sorted(imported.digests.values())


def test_nothing_is_left_and_the_dataset_is_not_touched(
    folder: Path, inputs: DatasetWindows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = sorted(inputs.folder.rglob("*"))
    with outside_places(folder, inputs):
        assert list(scratch.iterdir())
    assert not list(scratch.iterdir())
    assert sorted(inputs.folder.rglob("*")) == before


def test_training_frames_in_there_are_told(
    lab: Lab, folder: Path, inputs: DatasetWindows, caplog: pytest.LogCaptureFixture
) -> None:
    source = lab.home / "csv" / lab.dataset / "train_02_with_attacks" / "DoS-alpha.csv"
    lines = source.read_text().splitlines(keepends=True)
    (folder / "part.csv").write_text("".join([lines[0], *lines[1001:3001]]))
    with caplog.at_level(logging.WARNING, "can_train"), outside_places(folder, inputs):
        pass
    (told,) = (record.getMessage() for record in caplog.records)
    assert told.startswith("recordings/drives/part: 100.0 % of its windows are also in the trai")


def test_what_has_no_labels_is_refused_with_all_other_problems(
    folder: Path, inputs: DatasetWindows
) -> None:
    (folder / "today.log").write_text("(1.000000) can0 123#00\n" * 60)
    (folder / "bad.csv").write_text("timestamp,arbitration_id,data_field,attack\n1.0,xyz,00,0\n")
    with (
        pytest.raises(ProblemList) as caught,
        outside_places(folder, inputs),
    ):
        pass
    assert "can-train score RUN" in str(caught.value)
    assert "today.log: candump without labels" in str(caught.value)
    assert "bad.csv:2" in str(caught.value)
    assert caught.value.code == DataError.exit_code


def test_an_attack_free_scenario_needs_no_labels(folder: Path, inputs: DatasetWindows) -> None:
    (folder / "train_01_attack_free").mkdir()
    log = folder / "train_01_attack_free" / "drive.log"
    log.write_text("".join(f"({1 + i / 100:.6f}) can0 123#00\n" for i in range(120)))
    with outside_places(folder, inputs) as places:
        (free,) = (p for p in places if p.scenario.endswith("train_01_attack_free"))
        assert (len(free.windows), free.label.sum()) == (2, 0)
    shutil.copy(folder / "monday" / "DoS-bravo.csv", log.parent)
    with (
        pytest.raises(DataError, match="labelled as attacks, in an attack-free scenario"),
        outside_places(folder, inputs),
    ):
        pass


def test_labels_of_a_table_buses_and_attacks_that_leave_nothing_to_label(
    inputs: DatasetWindows, tmp_path: Path
) -> None:
    lines = [f"({1 + i / 100:.6f}) can{i % 2} 123#00\n" for i in range(240)]
    (tmp_path / "drive.log").write_text("".join(lines))
    (tmp_path / "labels.csv").write_text("start,end\n1.0,1.005\n")
    with outside_places(tmp_path, inputs, Reading(labels=str(tmp_path / "labels.csv"))) as (place,):
        files = {file.file: file for file, _ in place.files()}
        assert list(files) == ["drive@can0", "drive@can1"]
        assert [int(file.label.sum()) for file in files.values()] == [1, 0]
        # On another bus than the attack: neither benign nor attacked.
        assert [file.labels_say_nothing for file in files.values()] == [False, True]
    (tmp_path / "labels.csv").unlink()
    accepted = Reading(accept_unlabelled=True, bus="can1")
    with outside_places(tmp_path, inputs, accepted) as (place,):
        assert [file.file for file, _ in place.files()] == ["drive"]
        assert place.labels_say_nothing


def test_folders_that_give_nothing(tmp_path: Path, inputs: DatasetWindows) -> None:
    with outside_places(None, inputs) as places:
        assert places == []
    with (
        pytest.raises(DataError, match="--recordings .*nosuch: no such folder"),
        outside_places(tmp_path / "nosuch", inputs),
    ):
        pass
    write_csv(tmp_path / "short.csv", random_frames(49, seed=1, extended=False))
    with (
        pytest.raises(DataError, match="none of its recordings holds a full window of 50 frames"),
        outside_places(tmp_path, inputs),
    ):
        pass
