"""The packed store: built once, whole, and refused when it was altered."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.errors import DataError
from can_train.frames import stamp
from can_train.frames.paging import mapping_of
from can_train.graphs import store as store_module
from can_train.graphs.store import open_store, rows_of
from tests.unit.datasets_for_tests import (
    REF,
    some_frames,
    spec_of,
    store_of,
    with_attack,
    write_csv,
)


def test_the_store_is_built_once_and_memory_mapped(prepared):
    root, manifest = prepared
    store = store_of(root, manifest)
    folder = REF.folder(root).joinpath("stores", store.key[:16])
    before = (folder / "meta.json").stat().st_mtime_ns
    again = store_of(root, manifest)
    assert (folder / "meta.json").stat().st_mtime_ns == before
    assert mapping_of(again.node_x) is not None
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


def test_a_store_that_was_just_written_is_not_read_again(prepared, monkeypatch):
    root, manifest = prepared
    looked_at = []
    monkeypatch.setattr(store_module, "_look_at", lambda file, *_: looked_at.append(file.name))
    store_of(root, manifest, stride=43)
    assert looked_at == []
    store_of(root, manifest, stride=43)
    assert {"edge_x", "recording"} <= set(looked_at)


def test_a_stamped_store_is_not_read_again_until_it_is_touched(prepared, monkeypatch):
    root, manifest = prepared
    monkeypatch.setattr(stamp, "SETTLED_S", -1.0)
    store = store_of(root, manifest, stride=41)
    looked_at = []
    monkeypatch.setattr(store_module, "_look_at", lambda file, *_: looked_at.append(file.name))
    store_of(root, manifest, stride=41)
    assert looked_at == []
    file = REF.folder(root).joinpath("stores", store.key[:16], "edge_x")
    file.write_bytes(file.read_bytes())
    store_of(root, manifest, stride=41)
    assert {"edge_x", "recording"} <= set(looked_at)


def _open_at_once(root: Path, manifest: DatasetManifest) -> int:
    return len(store_of(root, manifest, stride=7))


def test_frames_altered_after_the_import_are_refused(tmp_path: Path):
    write_csv(
        tmp_path / "csv" / "train_01_attack_free" / "a-b.csv", with_attack(some_frames(9), 0, 0)
    )
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
