"""Datasets as files: what is written and read again is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from can_train.dataset.export import FORMATS, export_dataset
from can_train.dataset.manifest import DatasetManifest, DatasetRef
from can_train.dataset.prepare import prepare_dataset
from can_train.dataset.request import PrepareRequest, Reading
from can_train.errors import ConfigError, DataError
from can_train.frames.frame import EXTENDED_FLAG, Frames
from can_train.frames.readers import read_recording
from tests.draws import examples
from tests.unit.datasets_for_tests import some_frames, with_attack, write_csv
from tests.unit.frames_for_tests import make_frames

STANDARD = st.integers(0, 0x7FF)
LARGE = st.integers(0x800, 0x1FFF_FFFF).map(lambda number: int(EXTENDED_FLAG) | number)
SMALL = STANDARD.map(lambda number: int(EXTENDED_FLAG) | number)
TIMES = st.floats(0.0, 4e9) | st.floats(0.0, 1e-6)


CLASSIC = tuple(range(9))
CAN_FD = (*CLASSIC, 12, 16, 20, 24, 32, 48, 64)


@st.composite
def frames_of(
    draw: st.DrawFn, ids: st.SearchStrategy[int], lengths: tuple[int, ...] = CLASSIC
) -> Frames:
    count, width = draw(st.integers(1, 12)), lengths[-1]
    rest = draw(st.lists(st.sampled_from(lengths), min_size=count - 1, max_size=count - 1))
    dlc = np.array([width, *rest], np.uint8)  # one at least tells CAN FD from classic frames
    payload = draw(arrays.arrays(np.uint8, (count, width)))
    payload[np.arange(width) >= dlc[:, None]] = 0
    return make_frames(
        draw(st.lists(TIMES, min_size=count, max_size=count)),
        draw(st.lists(ids, min_size=count, max_size=count)),
        payload=payload,
        dlc=dlc,
        label=draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)),
    )


def again(folder: Path, format: str, frames: Frames) -> Frames:
    path = folder / f"drive{FORMATS[format].end}"
    FORMATS[format].write(path, frames)
    return read_recording(path).frames


QUICK = examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(frames=frames_of(STANDARD | LARGE))
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_tables_are_read_back_bit_for_bit(tmp_path: Path, format: str, frames: Frames) -> None:
    assert again(tmp_path, format, frames).digest() == frames.digest()


ANY = frames_of(STANDARD | LARGE | SMALL) | frames_of(STANDARD | LARGE | SMALL, CAN_FD)


@QUICK
@given(frames=ANY)
def test_candump_is_read_back_bit_for_bit_but_for_labels(tmp_path: Path, frames: Frames) -> None:
    read = again(tmp_path, "candump", frames)
    assert replace(read, label=frames.label).digest() == frames.digest()


def test_can_fd_keeps_its_width(tmp_path: Path) -> None:
    payload = np.zeros((2, 64), np.uint8)
    payload[1] = 7
    frames = make_frames([0.5, 0.6], [1, 2], payload=payload, dlc=[8, 64])
    assert again(tmp_path, "candump", frames).digest() == frames.digest()
    with pytest.raises(DataError, match="can't tell CAN FD payloads from others. Export it with"):
        again(tmp_path, "csv", frames)


def test_small_extended_ids_are_refused_where_they_would_become_standard(tmp_path: Path) -> None:
    frames = make_frames([0.5, 0.6], [1, int(EXTENDED_FLAG) | 1])
    with pytest.raises(DataError, match="can't tell 1 frame with extended IDs below 800"):
        again(tmp_path, "parquet", frames)


@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=ANY)
@pytest.mark.parametrize("format", ["asc", "blf"])
def test_formats_of_python_can_are_read_back_but_for_dates_and_labels(
    tmp_path: Path, format: str, frames: Frames
) -> None:
    pytest.importorskip("can")
    frames = replace(frames, timestamp=np.maximum(frames.timestamp, frames.timestamp[0]))
    read = again(tmp_path, format, frames)
    gone, back = (some.timestamp - some.timestamp[0] for some in (frames, read))
    assert np.abs(gone - back).max() < 2e-6  # a microsecond, and what floats lose in 4e9 s
    alike = replace(read, timestamp=frames.timestamp, label=frames.label)
    assert alike.digest() == frames.digest()


@pytest.mark.parametrize("format", ["asc", "blf"])
def test_frames_before_the_first_one_are_refused_where_time_begins_with_it(
    tmp_path: Path, format: str
) -> None:
    pytest.importorskip("can")
    with pytest.raises(DataError, match="1 frame with timestamps before the first one, from which"):
        again(tmp_path, format, make_frames([5.0, 4.0, 6.0], [1, 2, 3]))


def prepared(tmp_path: Path, dataset: str, source: Path, labels: str | None) -> DatasetManifest:
    told: list[str] = []
    return prepare_dataset(
        PrepareRequest(
            modality="automotive",
            dataset=dataset,
            data_root=tmp_path / "data",
            source=source,
            reading=Reading(labels=labels),
        ),
        report=told.append,
    )


@pytest.mark.parametrize("format", ["candump", "csv", "parquet"])
def test_whole_dataset_is_imported_again_as_the_same(tmp_path: Path, format: str) -> None:
    source = tmp_path / "source"
    write_csv(source / "train_01_attack_free/drive-kia.csv", with_attack(some_frames(1), 0, 0))
    attacked = with_attack(some_frames(2), 2000, 5000)
    write_csv(source / "test_01_known_vehicle_known_attack/DoS-kia.csv", attacked)
    before = prepared(tmp_path, "mini", source, None)
    out = tmp_path / "out"
    told: list[str] = []
    ref = DatasetRef(modality="automotive", dataset="mini")
    written = export_dataset(tmp_path / "data", ref, format, out, told.append)
    assert [path.parent.name[:8] for path in written] == ["train_01", "test_01_"]
    assert told[0] == f"wrote {written[0]}: 12,000 frames"
    labels = str(out / "labels") if format == "candump" else None
    assert prepared(tmp_path, "again", out, labels).digest == before.digest
    with pytest.raises(ConfigError, match="isn't empty. Name a new folder"):
        export_dataset(tmp_path / "data", ref, format, out, told.append)
