"""Every sample recording: what it is recognised as, and what it holds or why it is refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from can_train.errors import DataError
from can_train.frames.frame import COLUMNS
from can_train.frames.readers import read_recording
from can_train.frames.result import ReadResult

TABLE = Path(__file__).with_name("samples.txt")
"""File | format | frames | IDs | extended | buses | labelled attacks | bus errors | remote frames;
or the error."""

ROWS = dict(line.split(" | ", 1) for line in TABLE.read_text("utf-8").splitlines())
FOLDERS = ("formats", "raw", "cases")
pytestmark = pytest.mark.recordings

read = cache(read_recording)


def row_of(result: ReadResult) -> str:
    ids = np.unique(result.frames.arbitration_id)
    counts = [
        result.format,
        len(result.frames),
        len(ids),
        int((ids >> 31).sum()),
        ",".join(result.bus_names) or "-",
        int(result.frames.label.sum()) if result.labelled else "-",
        result.error_frames,
        result.remote_frames,
    ]
    return " | ".join(map(str, counts))


@pytest.mark.parametrize("name", ROWS)
def test_a_sample_is_read_or_refused_as_the_table_says(recordings: Path, name: str) -> None:
    path = recordings / name
    if ROWS[name].startswith("ERROR "):
        with pytest.raises(DataError) as caught:
            read_recording(path)
        message = str(caught.value).replace(f"{path}:", "").strip()
        assert message.startswith(ROWS[name].removeprefix("ERROR "))
    else:
        assert row_of(read(path)) == ROWS[name]


def test_the_table_names_every_sample(recordings: Path) -> None:
    files = {
        path.relative_to(recordings).as_posix()
        for folder in FOLDERS
        for path in (recordings / folder).rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert files == ROWS.keys()


@pytest.mark.parametrize("suffix", ["asc", "blf", "csv", "mf4", "trc"])
def test_six_containers_of_one_capture_hold_the_same_frames(recordings: Path, suffix: str) -> None:
    folder = recordings / "formats/one_capture"
    one = read(folder / "genesis_first5000.log").frames
    other = read(folder / f"genesis_first5000.{suffix}").frames
    for column in COLUMNS:
        if column.name != "timestamp":
            assert np.array_equal(column.of(one), column.of(other)), column.name
    gone = [frames.timestamp - frames.timestamp[0] for frames in (one, other)]
    assert np.abs(gone[0] - gone[1]).max() < 0.5e-6


@pytest.mark.parametrize(
    ("one", "other"),
    [("GVRET_Log.csv", "CRTD_Log.txt"), ("GVRET_Log.csv", "BusMasterLog.log")],
)
def test_a_capture_that_was_saved_by_several_tools(recordings: Path, one: str, other: str) -> None:
    first, second = (read(recordings / "formats/savvycan" / n).frames for n in (one, other))
    for column in COLUMNS:
        if column.name != "timestamp":
            assert np.array_equal(column.of(first), column.of(second)), column.name
    gone = [frames.timestamp - frames.timestamp[0] for frames in (first, second)]
    assert np.abs(gone[0] - gone[1]).max() < 0.001


def test_cases_in_other_dress_hold_the_same_frames(recordings: Path) -> None:
    cases = recordings / "cases"
    plain = read(cases / "candump_label/benign/Benign_day1.log").frames
    for name in (
        "candump_console/benign/drive1.txt", "candump_date/benign/drive.log",
        "otids_normal_run/benign/normal_run_data.txt", "quoted_csv/benign/drive.csv",
        "spaced_bytes/benign/drive.csv", "dotted_bytes/benign/drive.log",
        "decimal_comma/benign/drive1.csv", "decimal_ids/benign/drive1.csv",
        "python_can_csv/benign/log.csv",
    ):  # fmt: skip
        assert read(cases / name).frames.digest() == plain.digest(), name
    for name in ("cabana/benign/route.csv", "gvret/benign/drive1.csv"):
        other = read(cases / name).frames
        assert np.array_equal(other.payload, plain.payload)
        assert np.array_equal(other.arbitration_id, plain.arbitration_id)
        assert np.abs(other.timestamp + 1_600_000_000 - plain.timestamp).max() < 2e-6


def test_a_recorder_that_lost_power_costs_one_line(recordings: Path) -> None:
    for name in ("cut_last_line", "nul_tail"):
        result = read_recording(recordings / f"cases/{name}/benign/drive1.log", lenient=True)
        assert (result.skipped, len(result.frames)) == (1, 299)
