"""Packed store, split and normalisation on stored datasets."""

from __future__ import annotations

import dataclasses
import multiprocessing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import DatasetManifest, DatasetRef, load_manifest, split_digest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.splits import SIDES, UNUSED, attack_stretches, audit, open_split, windows_on
from can_train.dataset.windows import open_windows
from can_train.errors import ConfigError, DataError, PreflightError
from can_train.frames.frame import Frames
from can_train.graphs.identity import WindowSpec
from can_train.graphs.scaling import fit_scaler, fit_vocabulary
from can_train.graphs.store import GraphStore, open_store, rows_of
from can_train.vocab import FeatureSet
from tests.unit.frames_for_tests import random_frames

REF = DatasetRef(modality="automotive", dataset="small")


def write_csv(path: Path, frames: Frames) -> None:
    """Writes frames with standard IDs in the can-train-and-test layout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hexed = [bytes(p[:d]).hex().upper() for p, d in zip(frames.payload, frames.dlc, strict=True)]
    pl.DataFrame(
        {
            "timestamp": [f"{t:.6f}" for t in frames.timestamp],
            "arbitration_id": [f"{i:03X}" for i in frames.arbitration_id],
            "data_field": hexed,
            "attack": frames.label,
        }
    ).write_csv(path, quote_style="never")


def with_attack(frames: Frames, begin: int, end: int) -> Frames:
    label = np.zeros(len(frames), np.uint8)
    label[begin:end:3] = 1
    return dataclasses.replace(frames, label=label)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DatasetManifest]:
    """Two vehicles, two attacks; attack stretches at different places."""
    source = tmp_path_factory.mktemp("source")
    root = tmp_path_factory.mktemp("data")
    files = {
        "train_01_attack_free/attack-free-kia": with_attack(_frames(1), 0, 0),
        "train_01_attack_free/attack-free-sonata": with_attack(_frames(2), 0, 0),
        "train_02_with_attacks/DoS-kia": with_attack(_frames(3), 2000, 5000),
        "train_02_with_attacks/fuzzing-sonata": with_attack(_frames(4), 6000, 9000),
        "test_01_known_vehicle_known_attack/DoS-sonata": with_attack(_frames(5), 3000, 5000),
    }
    for name, frames in files.items():
        write_csv(source / f"{name}.csv", frames)
    request = PrepareRequest(
        modality=REF.modality, dataset=REF.dataset, data_root=root, source=source
    )
    return root, prepare_dataset(request)


def _frames(seed: int) -> Frames:
    return random_frames(12_000, seed=seed, extended=False)


def store_of(root: Path, manifest: DatasetManifest, stride: int = 20) -> GraphStore:
    return open_store(REF.folder(root), manifest.train, spec_of(20, stride))


def spec_of(window: int, stride: int, features: FeatureSet = "relational") -> WindowSpec:
    return WindowSpec(features=features, window=window, stride=stride)


def test_the_store_is_built_once_and_memory_mapped(prepared):
    root, manifest = prepared
    store = store_of(root, manifest)
    folder = REF.folder(root).joinpath("stores", store.key[:16])
    before = (folder / "meta.json").stat().st_mtime_ns
    again = store_of(root, manifest)
    assert (folder / "meta.json").stat().st_mtime_ns == before
    assert isinstance(again.node_x.base, np.memmap)
    assert len(again) == 4 * 600
    assert again.node_ptr[-1] == len(again.node_x)
    assert again.edge_ptr[-1] == len(again.edge_x)


def test_an_altered_store_is_refused(prepared):
    root, manifest = prepared
    store = store_of(root, manifest, stride=33)
    file = REF.folder(root).joinpath("stores", store.key[:16], "edge_x")
    raw = bytearray(file.read_bytes())
    raw[100] ^= 1
    file.write_bytes(raw)
    with pytest.raises(DataError, match=r"edge_x: the contents were changed.*it is rebuilt"):
        store_of(root, manifest, stride=33)
    file.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match="edge_x"):
        store_of(root, manifest, stride=33)


def _open_at_once(root: Path, manifest: DatasetManifest) -> int:
    return len(store_of(root, manifest, stride=7))


def test_frames_altered_after_the_import_are_refused(tmp_path: Path):
    write_csv(tmp_path / "csv" / "train_01_attack_free" / "a-b.csv", with_attack(_frames(9), 0, 0))
    manifest = prepare_dataset(
        PrepareRequest(
            modality=REF.modality, dataset=REF.dataset, data_root=tmp_path, source=tmp_path / "csv"
        )
    )
    file = REF.folder(tmp_path).joinpath("frames", manifest.recordings[0].digest, "label.npy")
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.chmod(0o644)
    file.write_bytes(raw)
    with pytest.raises(DataError, match="stored frames of a-b were altered.*data prepare"):
        store_of(tmp_path, manifest)


def test_a_training_recording_with_suppressed_frames_is_not_taken_for_benign(tmp_path: Path):
    for name, seed in (("attack-free-kia", 1), ("suppress-kia", 2)):
        frames = with_attack(_frames(seed), 0, 0)
        write_csv(tmp_path / "csv" / "train_02_with_attacks" / f"{name}.csv", frames)
    manifest = prepare_dataset(
        PrepareRequest(
            modality=REF.modality, dataset=REF.dataset, data_root=tmp_path, source=tmp_path / "csv"
        )
    )
    split = open_split(tmp_path, manifest, name="time", window=20)
    used = {i.recording for i in split.stretches}
    assert used == {r.digest for r in manifest.recordings if r.name == "attack-free-kia"}


def test_two_processes_may_build_the_same_store(prepared):
    root, manifest = prepared
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(_open_at_once, [(root, manifest)] * 2)
    assert found == [len(store_of(root, manifest, stride=7))] * 2
    assert not list(REF.folder(root).joinpath("stores").glob(".*"))


def test_rows_of_gathers_in_any_order_with_repeats():
    ptr = np.array([0, 2, 2, 5, 6])
    assert rows_of(ptr, np.array([2, 0, 1, 2])).tolist() == [2, 3, 4, 0, 1, 2, 3, 4]
    assert rows_of(ptr, np.array([], np.int64)).tolist() == []


def test_too_large_a_window_says_so(prepared):
    root, manifest = prepared
    with pytest.raises(DataError, match="no recording holds a full window of 4000"):
        open_store(REF.folder(root), [], spec_of(4000, 4000, "classic"))


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


def test_scaler_and_vocabulary_come_from_benign_training_windows(prepared):
    root, manifest = prepared
    digest = split_digest(manifest.digest, "time", 20)
    data = DataConfig(dataset_digest=manifest.digest, split_digest=digest, window=20, stride=20)
    inputs = open_windows(root, REF, data)
    benign = inputs.windows("train", benign=True)
    assert (inputs.store.label[benign] == 0).all()
    x = inputs.store.node_x[rows_of(inputs.store.node_ptr, benign)].astype(np.float64)
    assert np.allclose(inputs.scaler.node_mean, x.mean(0), atol=1e-4)
    assert np.allclose(inputs.scaler.node_scale, np.maximum(x.std(0), 0.05), rtol=1e-3)
    attacks = np.flatnonzero(inputs.store.label == 1)
    vocabulary = fit_vocabulary(inputs.store, attacks)
    assert vocabulary.index(np.array([0x7FF0], np.uint32)).tolist() == [0]
    known = vocabulary.ids[[0, -1]]
    assert vocabulary.index(known).tolist() == [1, len(vocabulary) - 1]
    assert fit_scaler(inputs.store, attacks).node_mean.shape == (20,)


def test_inputs_refuse_a_dataset_that_changed_since_freezing(prepared):
    root, manifest = prepared
    data = DataConfig(dataset_digest="0" * 64, split_digest="0" * 64, window=20, stride=20)
    with pytest.raises(DataError, match="changed since this run was frozen"):
        open_windows(root, REF, data)
    assert load_manifest(root, REF.modality, REF.dataset).digest == manifest.digest


def test_an_unknown_side_is_refused():
    with pytest.raises(ConfigError, match="no side trian of a split; did you mean train"):
        windows_on(np.zeros(3, np.int8), ["trian"])
