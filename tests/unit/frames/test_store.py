"""Stored frames: whole or absent, written once, and read without any parser."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from can_train import files
from can_train.errors import DataError
from can_train.frames.frame import COLUMNS, Frames, FramesColumn
from can_train.frames.paging import mapping_of
from can_train.frames.recording import COLUMN_NAMES, Recording
from can_train.frames.stamp import is_written
from can_train.frames.store import frames_dir, load_frames, store_frames, verified_frames
from tests.unit.frames_for_tests import random_frames

PROBE = "import json, sys, {module}; sys.stdout.write(json.dumps(sorted(sys.modules)))"


def recording_of(frames: Frames, count: int | None = None) -> Recording:
    return Recording(
        scenario="train_01_attack_free",
        name="drive",
        digest=frames.digest(),
        frames=len(frames) if count is None else count,
        attack_frames=0,
        start_s=0.0,
        duration_s=1.0,
        attack_kind="none",
        vehicle="mini",
        source="drive.csv",
    )


def stored(folder: Path, frames: Frames) -> Path:
    target = folder / "frames" / frames.digest()
    store_frames(target, frames, frames.digest())
    return target


def loaded_by(module: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(json.loads(done.stdout))


def test_frames_are_read_back_mapped(tmp_path: Path) -> None:
    frames = random_frames(100)
    target = stored(tmp_path, frames)
    assert sorted(path.name for path in target.iterdir()) == sorted(
        f"{column.name}.npy" for column in COLUMNS
    )
    again = load_frames(tmp_path, recording_of(frames))
    assert again.digest() == frames.digest()
    assert all(mapping_of(column.of(again)) is not None for column in COLUMNS)
    assert not again.payload.flags.writeable


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_columns_that_another_program_wrote_are_read(
    tmp_path: Path, version: tuple[int, int], order: Literal["C", "F"]
) -> None:
    frames = random_frames(100)
    payload = stored(tmp_path, frames) / "payload.npy"
    with payload.open("wb") as file:
        np.lib.format.write_array(file, np.asarray(frames.payload, order=order), version=version)
    again = load_frames(tmp_path, recording_of(frames))
    assert again.digest() == frames.digest()
    assert mapping_of(again.payload) is not None


def test_whole_frames_are_not_written_again(tmp_path: Path) -> None:
    frames = random_frames(100)
    before = {path: path.stat().st_mtime_ns for path in stored(tmp_path, frames).iterdir()}
    assert before == {path: path.stat().st_mtime_ns for path in stored(tmp_path, frames).iterdir()}


def test_who_stored_frames_needs_not_look_at_them_again(tmp_path: Path) -> None:
    frames = random_frames(100)
    assert is_written(stored(tmp_path, frames))
    other = replace(recording_of(frames), digest=random_frames(99).digest())
    frames_dir(tmp_path, recording_of(frames)).rename(frames_dir(tmp_path, other))
    with pytest.raises(DataError, match="were altered"):
        verified_frames(tmp_path, other)


def test_frames_that_another_process_stored_are_looked_at(tmp_path: Path, monkeypatch) -> None:
    frames = random_frames(100)
    target = tmp_path / "frames" / frames.digest()
    sync = files.sync

    def overtaken(paths: list[Path]) -> None:
        shutil.copytree(paths[0].parent, target)
        sync(paths)

    monkeypatch.setattr(files, "sync", overtaken)
    store_frames(target, frames, frames.digest())
    assert not is_written(target)


def test_preflight_knows_the_columns() -> None:
    assert tuple(column.name for column in COLUMNS) == COLUMN_NAMES


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_damaged_frames_are_written_again(tmp_path: Path, column: FramesColumn) -> None:
    frames = random_frames(100)
    path = stored(tmp_path, frames) / f"{column.name}.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"{column.name}.npy: no stored column"):
        load_frames(tmp_path, recording_of(frames))
    target = stored(tmp_path, frames)
    assert load_frames(tmp_path, recording_of(frames)).digest() == frames.digest()
    assert list(target.parent.iterdir()) == [target]


def test_a_spoilt_header_is_told_or_does_not_matter(tmp_path: Path) -> None:
    """Its literal is parsed by Python, which has errors of its own."""
    frames = random_frames(3)
    path = stored(tmp_path, frames) / "timestamp.npy"
    whole, refused = path.read_bytes(), 0
    for bit in range(8 * 128):
        spoilt = bytearray(whole)
        spoilt[bit // 8] ^= 1 << bit % 8
        path.write_bytes(spoilt)
        try:
            assert load_frames(tmp_path, recording_of(frames)).digest() == frames.digest()
        except DataError:
            refused += 1
    assert refused > 900


def test_interrupted_writing_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    frames = random_frames(100)
    whole = len(frames)
    # The third of five columns can't be written as bytes: it fails in the middle.
    bad = Frames(
        timestamp=frames.timestamp,
        arbitration_id=frames.arbitration_id,
        dlc=np.array(["x"] * whole),
        payload=frames.payload,
        label=frames.label,
    )
    with pytest.raises(ValueError, match="invalid literal"):
        store_frames(tmp_path / "frames" / "abc", bad, "abc")
    assert not list((tmp_path / "frames").iterdir())


def test_column_of_another_type(tmp_path: Path) -> None:
    frames = random_frames(10)
    np.save(stored(tmp_path, frames) / "dlc.npy", np.zeros(10, np.int64))
    with pytest.raises(DataError, match=r"dlc.npy: holds int64, not \|u1. Prepare the dataset"):
        load_frames(tmp_path, recording_of(frames))


def test_number_of_frames_differs_from_the_manifest(tmp_path: Path) -> None:
    frames = random_frames(10)
    stored(tmp_path, frames)
    with pytest.raises(DataError, match="holds 10 frames, dataset.json says 11. Prepare"):
        load_frames(tmp_path, recording_of(frames, 11))


@pytest.mark.parametrize("module", ["can_train.graphs.store", "can_train.dataset.windows"])
def test_what_a_worker_loads_holds_no_reader(module: str) -> None:
    loaded = loaded_by(module)
    assert "can_train.frames.store" in loaded
    assert "polars" not in loaded
    assert not [name for name in loaded if name.startswith("can_train.frames.readers")]
    assert not [name for name in loaded if name.startswith("can_train.frames.text")]


@pytest.mark.parametrize("module", ["can_train.frames.recording", "can_train.dataset.manifest"])
def test_what_the_control_plane_reads_needs_no_numpy(module: str) -> None:
    assert "numpy" not in loaded_by(module)


class Finalised:
    """Garbage of a kind that lets other threads go on while it is collected."""

    def __init__(self) -> None:
        self.cycle = self

    def __del__(self) -> None:
        sum(range(300))


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Garbage is collected, and threads take turns, as often as can be."""
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(20)
    sys.setswitchinterval(1e-6)
    yield
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_threads_open_recordings_at_once(tmp_path: Path) -> None:
    frames = random_frames(20)
    stored(tmp_path, frames)

    def opened(number: int) -> int:
        Finalised()
        return len(load_frames(tmp_path, recording_of(frames)))

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(opened, range(400))) == {20}
