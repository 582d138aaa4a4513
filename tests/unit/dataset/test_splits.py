"""Splits of stored datasets: their sides, folds and audit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.manifest import split_digest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.splits import SIDES, UNUSED, audit, open_split, windows_on
from can_train.dataset.stretches import attack_stretches
from can_train.errors import ConfigError, DataError, PreflightError
from tests.unit.datasets_for_tests import (
    REF,
    some_frames,
    store_of,
    with_attack,
    write_csv,
)


def test_a_training_recording_with_suppressed_frames_is_not_taken_for_benign(tmp_path: Path):
    for name, seed in (("attack-free-kia", 1), ("suppress-kia", 2)):
        frames = with_attack(some_frames(seed), 0, 0)
        write_csv(tmp_path / "csv" / "train_02_with_attacks" / f"{name}.csv", frames)
    manifest = prepare_dataset(
        PrepareRequest(
            modality=REF.modality, dataset=REF.dataset, data_root=tmp_path, source=tmp_path / "csv"
        )
    )
    split = open_split(tmp_path, manifest, name="time", window=20)
    used = {i.recording for i in split.stretches}
    assert used == {r.digest for r in manifest.recordings if r.name == "attack-free-kia"}


def test_every_side_has_benign_and_attack_windows(prepared):
    root, manifest = prepared
    store = store_of(root, manifest)
    sides = open_split(root, manifest, name="time", window=20).sides(store)
    audit(store, sides)
    for number, recording in enumerate(store.recordings):
        here = store.recording == number
        for side in range(4):
            labels = store.label[here & (sides == side)]
            assert (labels == 0).any(), (recording.name, SIDES[side])
            assert (labels == 1).any() == (recording.attack_frames > 0)
    shares = [np.mean(sides[sides != UNUSED] == side) for side in range(4)]
    assert shares == pytest.approx([0.70, 0.15, 0.075, 0.075], abs=0.02)


def test_no_frame_is_scored_on_two_sides_at_any_stride(prepared):
    root, manifest = prepared
    split = open_split(root, manifest, name="time", window=20)
    store = store_of(root, manifest, stride=7)
    sides = split.sides(store)
    audit(store, sides)
    for number, recording in enumerate(store.recordings):
        owner = np.full(recording.frames, UNUSED)
        for window in np.flatnonzero((store.recording == number) & (sides != UNUSED)):
            frames = slice(store.start[window], store.start[window] + 20)
            assert set(owner[frames]) <= {UNUSED, sides[window]}
            owner[frames] = sides[window]


def test_the_audit_finds_a_shared_frame_and_a_missing_embargo(prepared):
    root, manifest = prepared
    store = store_of(root, manifest)
    sides = open_split(root, manifest, name="time", window=20).sides(store)
    at = int(np.flatnonzero((sides[:-1] == 0) & (sides[1:] == 0))[5])
    sides[at + 1] = 1
    with pytest.raises(DataError, match="are 0 frames apart near frame"):
        audit(store, sides)


def test_the_split_depends_on_dataset_name_and_window_only(prepared):
    root, manifest = prepared
    a = open_split(root, manifest, name="time", window=20)
    assert a == open_split(root, manifest, name="time", window=20)
    assert a.digest == split_digest(manifest.digest, "time", 20)
    assert a.digest != open_split(root, manifest, name="time", window=30).digest


def test_an_altered_split_is_refused(prepared):
    root, manifest = prepared
    split = open_split(root, manifest, name="time", window=25)
    path = REF.folder(root).joinpath("splits", f"{split.digest[:16]}.json")
    path.write_text(path.read_text().replace('"train"', '"validation"', 1))
    with pytest.raises(DataError, match="altered after it was stored"):
        open_split(root, manifest, name="time", window=25)


def test_folds_keep_a_vehicle_or_an_attack_out(prepared):
    root, manifest = prepared
    store = store_of(root, manifest)
    for name, out in (
        ("leave-vehicle-out:kia", {"attack-free-kia", "DoS-kia"}),
        ("leave-attack-out:fuzzing", {"fuzzing-sonata"}),
    ):
        sides = open_split(root, manifest, name=name, window=20).sides(store)
        held = windows_on(sides, ["held_out"])
        assert {store.recordings[i].name for i in store.recording[held]} == out
        others = windows_on(sides, ["train", "validation", "fusion", "threshold"])
        assert not out & {store.recordings[i].name for i in store.recording[others]}


def test_an_unknown_fold_lists_the_known_ones(prepared):
    root, manifest = prepared
    with pytest.raises(PreflightError, match=r"did you mean leave-vehicle-out:kia\? Allowed: "):
        open_split(root, manifest, name="leave-vehicle-out:kai", window=20)


def test_stretches_merge_attack_frames_up_to_ten_windows_apart():
    label = np.zeros(1000, np.uint8)
    label[[100, 150, 190, 700]] = 1
    mask = attack_stretches(label, 9)
    assert np.flatnonzero(np.diff(mask.astype(int))).tolist() == [99, 190, 699, 700]


def test_an_unknown_side_is_refused():
    with pytest.raises(ConfigError, match="no side trian of a split; did you mean train"):
        windows_on(np.zeros(3, np.int8), ["trian"])
