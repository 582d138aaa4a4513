"""Packing: recordings are built side by side, and written as if one came after the other."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from can_train.errors import DataError
from can_train.frames.store import load_frames
from can_train.graphs import packing
from can_train.graphs.build import build_graphs
from can_train.graphs.packing import pack_store
from can_train.graphs.store import rows_of
from tests.unit.datasets_for_tests import REF, spec_of, store_of


def test_every_recordings_graphs_lie_in_its_place(prepared):
    root, manifest = prepared
    store = store_of(root, manifest)
    for number, recording in enumerate(manifest.train):
        graphs = build_graphs(load_frames(REF.folder(root), recording), store.spec)
        windows = np.flatnonzero(store.recording == number)
        assert np.array_equal(store.start[windows], graphs.start)
        assert np.array_equal(store.edge_x[rows_of(store.edge_ptr, windows)], graphs.edge_x)


def test_the_hash_of_every_file_is_noted(prepared):
    root, manifest = prepared
    path = REF.folder(root) / "stores" / store_of(root, manifest).key[:16]
    noted = json.loads((path / "meta.json").read_text())["sha256"]
    assert set(noted) == {file.name for file in path.iterdir()} - {"meta.json", "verified.json"}


def test_a_failure_in_one_recording_ends_all_and_leaves_nothing(prepared, tmp_path):
    root, manifest = prepared
    wrong = replace(manifest.train[0], digest="0" * 64)
    with pytest.raises(DataError, match="no stored column"):
        pack_store(
            REF.folder(root), tmp_path / "store", [*manifest.train, wrong], spec_of(20, 20), None
        )
    assert not list(tmp_path.iterdir())


def test_no_column_is_hashed_twice(prepared, tmp_path, monkeypatch):
    root, manifest = prepared
    monkeypatch.setattr(packing, "sha256_of", None)
    assert pack_store(REF.folder(root), tmp_path / "store", manifest.train, spec_of(20, 20), None)


def test_the_store_of_another_builder_that_was_first_is_told(prepared, tmp_path, monkeypatch):
    root, manifest = prepared
    path = tmp_path / "store"
    meta = packing._Writer.meta

    def meanwhile(writer: packing._Writer) -> str:
        path.mkdir()
        (path / "node_x").touch()
        return meta(writer)

    monkeypatch.setattr(packing._Writer, "meta", meanwhile)
    assert not pack_store(REF.folder(root), path, manifest.train, spec_of(20, 20), None)
    assert [file.name for file in path.iterdir()] == ["node_x"]
