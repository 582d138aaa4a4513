"""Stored outputs of a teacher: the row of the same window and of the same node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.detectors.signal import WindowRows
from can_train.graphs.batch import GraphBatch
from can_train.graphs.feed import raw_graphs
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import GraphStore
from tests.unit.frames_for_tests import random_frames
from tests.unit.graphs.graphs_for_tests import store_made_of

SPEC = WindowSpec(features="relational", window=20, stride=20)
KEPT = np.array([7, 2, 9, 4])


@pytest.fixture
def store(tmp_path: Path) -> GraphStore:
    return store_made_of(tmp_path, random_frames(300), SPEC)


def batch_of(store: GraphStore, windows: list[int]) -> GraphBatch:
    graphs = raw_graphs(store, np.array(windows))
    return GraphBatch(
        x=graphs.node_x,
        id_index=graphs.node_id,
        edge_index=graphs.edge_index,
        edge_attr=graphs.edge_x,
        batch=graphs.batch,
        num_graphs=graphs.num_graphs,
        y=torch.from_numpy(store.label[windows].astype(np.int64)),
        window=torch.tensor(windows),
    )


def test_each_window_of_a_batch_gets_its_row(store: GraphStore) -> None:
    said = np.stack([KEPT, 10 * KEPT], axis=1).astype(np.float32)
    found = WindowRows(store, KEPT).of_windows(said, batch_of(store, [4, 7, 4]))
    assert found.tolist() == [[4, 40], [7, 70], [4, 40]]


def test_each_node_of_a_batch_gets_its_row(store: GraphStore) -> None:
    said = batch_of(store, KEPT.tolist()).x.numpy()
    batch = batch_of(store, [9, 2, 7])
    assert torch.equal(WindowRows(store, KEPT).of_nodes(said, batch), batch.x)


def test_a_window_that_the_teacher_never_saw_is_an_error(store: GraphStore) -> None:
    rows = WindowRows(store, KEPT)
    said = np.zeros((int(store.node_ptr[-1]), 1), np.float32)
    with pytest.raises(IndexError):
        rows.of_windows(said[: len(KEPT)], batch_of(store, [7, 3]))
    with pytest.raises(IndexError):
        rows.of_nodes(said, batch_of(store, [7, 3]))
