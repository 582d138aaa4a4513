"""What a detector of somebody else's is handed: frames, and nothing that tells more."""

from __future__ import annotations

import dataclasses
import gc
import mmap
from pathlib import Path

import numpy as np
import pytest

from can_train.baselines.recording import UnlabelledRecording, unlabelled
from can_train.frames.paging import mapping_of
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames, store_frames
from tests.unit.frames_for_tests import make_frames, random_frames


def arrays_of(recording: UnlabelledRecording) -> dict[str, np.ndarray]:
    values = {f.name: getattr(recording, f.name) for f in dataclasses.fields(recording)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def memory_of(array: np.ndarray) -> object:
    """What holds an array's numbers in the end."""
    holder: object = array
    while isinstance(holder, np.ndarray) and holder.base is not None:
        holder = holder.base
    return holder.obj if isinstance(holder, memoryview) else holder


def reachable(start: object) -> list[object]:
    """Everything that can be got at from an object, but for code."""
    found, waiting = {id(start): start}, [start]
    while waiting:
        one = waiting.pop()
        behind = [one.base, memory_of(one)] if isinstance(one, np.ndarray) else []
        for each in [*gc.get_referents(one), *behind]:
            if id(each) not in found and not isinstance(each, type):
                found[id(each)] = each
                waiting.append(each)
    return list(found.values())


def test_ids_lose_their_flag_and_time_begins_at_the_first_frame() -> None:
    frames = make_frames([1e9, 1e9 + 0.25, 1e9 + 0.5], [0x123, 0x98DAF110, 7])
    found = unlabelled(frames, 2, 1)
    assert found.id.tolist() == [0x123, 0x18DAF110, 7] and found.id.dtype == np.uint32
    assert found.extended.tolist() == [False, True, False]
    assert found.time.tolist() == [0.0, 0.25, 0.5]
    assert len(found) == 3 and found.starts.tolist() == [0, 1]
    part = unlabelled(frames, 2, 1, 1, 3)
    assert (part.time.tolist(), part.id.tolist()) == ([0.0, 0.25], [0x18DAF110, 7])


@pytest.mark.parametrize(("frames", "windows"), [(9, 0), (10, 1), (14, 1), (15, 2), (30, 5)])
def test_windows_are_those_that_fit(frames: int, windows: int) -> None:
    found = unlabelled(make_frames(np.arange(frames), np.ones(frames)), 10, 5)
    assert len(found.starts) == windows


def test_a_detector_that_looks_for_labels_names_or_files_finds_none(tmp_path: Path) -> None:
    frames = random_frames(300)
    assert frames.label.any()
    digest = frames.digest()
    store_frames(tmp_path / "frames" / digest, frames, digest)
    recording = Recording(
        scenario="test_01_attacks", name="DoS-car", digest=digest, frames=300,
        attack_frames=int(frames.label.sum()), start_s=0.0, duration_s=1.0, attack_kind="DoS",
        vehicle="car", source="logs/DoS-car.csv",
    )  # fmt: skip
    stored = load_frames(tmp_path, recording)
    assert mapping_of(stored.payload) is not None  # beside which its labels lie
    found = unlabelled(stored, 100, 100)
    fields = {field.name for field in dataclasses.fields(found)}
    assert fields == {"time", "id", "extended", "dlc", "payload", "window", "stride"}
    np.testing.assert_array_equal(found.payload, frames.payload)
    seen = reachable(found)
    assert any(isinstance(each, bytes) for each in seen)  # it looks behind arrays
    for each in seen:
        assert not isinstance(each, str | Path | mmap.mmap), each
        if isinstance(each, np.ndarray) and each.shape == frames.label.shape:
            assert not np.array_equal(each != 0, frames.label != 0)
        if isinstance(each, bytes):
            assert each != frames.label.tobytes() and digest.encode() not in each


def test_nothing_of_it_can_be_changed() -> None:
    found = unlabelled(random_frames(50), 10, 10)
    for name, values in arrays_of(found).items():
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            values.setflags(write=True)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(found, name, values)
