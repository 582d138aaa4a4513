"""Vocabulary and scaling, by hand and on the windows that they are fitted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.graphs.identity import WindowSpec
from can_train.graphs.scaling import SMALLEST_SCALE, IdVocabulary, fit_scaler, fit_vocabulary
from can_train.graphs.store import GraphStore
from tests.unit.frames_for_tests import random_frames
from tests.unit.graphs.graphs_for_tests import store_made_of

SPEC = WindowSpec(features="relational", window=20, stride=20)


@pytest.fixture
def store(tmp_path: Path) -> GraphStore:
    return store_made_of(tmp_path, random_frames(400, ids=30), SPEC)


def test_unknown_ids_have_index_zero_and_known_ones_their_rank() -> None:
    vocabulary = IdVocabulary(ids=np.array([5, 7, 0x8001_2345], np.uint32))
    asked = np.array([7, 6, 0x8001_2345, 5, 0, 0xFFFF_FFFF], np.uint32)
    assert vocabulary.index(asked).tolist() == [2, 0, 3, 1, 0, 0]
    assert len(vocabulary) == 4
    empty = IdVocabulary(ids=np.array([], np.uint32))
    assert empty.index(asked).tolist() == [0] * 6
    assert len(empty) == 1


def test_the_vocabulary_holds_the_ids_of_its_windows_and_no_others(store: GraphStore) -> None:
    windows = np.array([3, 0])
    ids = {
        int(i) for w in windows for i in store.node_id[store.node_ptr[w] : store.node_ptr[w + 1]]
    }
    assert fit_vocabulary(store, windows).ids.tolist() == sorted(ids)
    assert ids < set(store.node_id.tolist())


def test_the_scaler_has_the_moments_of_its_windows_and_a_least_scale(store: GraphStore) -> None:
    windows = np.arange(4, 9)
    scaler = fit_scaler(store, windows)
    nodes = store.node_x[store.node_ptr[4] : store.node_ptr[9]].astype(np.float64)
    edges = store.edge_x[store.edge_ptr[4] : store.edge_ptr[9]].astype(np.float64)
    for x, mean, scale in (
        (nodes, scaler.node_mean, scaler.node_scale),
        (edges, scaler.edge_mean, scaler.edge_scale),
    ):
        assert mean.dtype == scale.dtype == np.float32
        np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(scale, np.maximum(x.std(axis=0), SMALLEST_SCALE), rtol=1e-5)
    assert (scaler.node_scale == np.float32(SMALLEST_SCALE)).any()
    assert (scaler.node_scale > SMALLEST_SCALE).any()
