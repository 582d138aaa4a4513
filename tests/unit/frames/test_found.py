"""Files that were named, and recordings in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.errors import DataError
from can_train.frames.found import found_files
from tests.unit.datasets_for_tests import write_csv
from tests.unit.frames_for_tests import random_frames


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder with two recordings, an empty file, a note and hidden things."""
    folder = tmp_path / "logs"
    for name in ("b.csv", "deep/a.csv", ".hidden/c.csv", ".d.csv"):
        write_csv(folder / name, random_frames(5, seed=1, extended=False))
    (folder / "README.md").write_text("what these are\n")
    (folder / "deep" / "empty.log").write_text("")
    return folder


def test_a_folder_stands_for_every_recording_in_it(logs: Path) -> None:
    found = found_files([logs])
    # An empty file may have been meant as a recording: reading it says what is wrong.
    assert [str(path.relative_to(logs)) for path in found.files] == [
        "b.csv", "deep/a.csv", "deep/empty.log",
    ]  # fmt: skip
    assert found.left_out == (logs / "README.md",)


def test_what_is_named_is_taken_once_whatever_it_is(logs: Path) -> None:
    named = logs / "README.md", logs / "deep" / "a.csv", logs / "nosuch"
    assert found_files([*named, logs / "deep", named[1]]).files == (
        *named,
        logs / "deep" / "empty.log",
    )


def test_with_a_named_format_every_file_of_a_folder_is_taken(logs: Path) -> None:
    found = found_files([logs], any_format=True)
    assert logs / "README.md" in found.files
    assert not found.left_out


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here\n")
    with pytest.raises(DataError, match="no recording of a known format in that folder"):
        found_files([tmp_path])
