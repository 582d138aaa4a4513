"""Graphs as tensors: the same from the store and from what was just built."""

from __future__ import annotations

import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch_geometric.nn import global_mean_pool

from can_train.errors import ConfigError
from can_train.graphs.batch import GraphBatch, RawGraphs
from can_train.graphs.build import build_graphs
from can_train.graphs.feed import GraphFeed, raw_graphs
from can_train.graphs.identity import WindowSpec
from can_train.graphs.scaling import FeatureScaler, IdVocabulary
from tests.unit.frames_for_tests import make_frames, random_frames
from tests.unit.graphs.graphs_for_tests import store_made_of

SPEC = WindowSpec(features="relational", window=30, stride=30)


def test_the_second_of_two_windows_is_numbered_from_its_first_node():
    frames = make_frames(np.arange(6) / 10, [1, 2, 1, 3, 2, 3])
    packed = build_graphs(frames, WindowSpec(features="classic", window=3, stride=3))
    graphs = raw_graphs(packed, np.array([1, 0]))
    assert graphs.node_id.tolist() == [3, 2, 1, 2]
    assert graphs.edge_index.tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]
    assert graphs.batch.tolist() == [0, 0, 1, 1]
    assert graphs.num_graphs == 2


@pytest.mark.parametrize("chosen", [[0], [3, 1], [2, 2], []])
def test_windows_are_taken_in_any_order_and_may_repeat(chosen):
    packed = build_graphs(random_frames(200), SPEC)
    together = raw_graphs(packed, np.array(chosen, np.int64))
    alone = [raw_graphs(packed, np.array([window])) for window in chosen]
    assert together.num_graphs == len(chosen)
    if not chosen:
        return
    for field in fields(RawGraphs):
        if field.name in ("node_x", "node_id", "edge_x"):
            parts = torch.cat([getattr(graphs, field.name) for graphs in alone])
            assert torch.equal(getattr(together, field.name), parts)


def test_a_batch_is_one_of_torch_geometric_too(monkeypatch):
    packed = build_graphs(random_frames(200), SPEC)
    raw = raw_graphs(packed, np.array([3, 1]))
    batch = GraphBatch(
        x=raw.node_x, id_index=raw.node_id, edge_index=raw.edge_index, edge_attr=raw.edge_x,
        batch=raw.batch, num_graphs=2, y=torch.tensor([0, 1]), window=torch.tensor([3, 1]),
    )  # fmt: skip
    data = batch.to_pyg()
    data.validate()
    for field in fields(GraphBatch):
        if field.name != "num_graphs":
            assert data[field.name] is getattr(batch, field.name)
    assert global_mean_pool(data.x, data.batch).shape == (2, packed.node_x.shape[1])
    monkeypatch.setitem(sys.modules, "torch_geometric.data", None)
    with pytest.raises(ConfigError, match="pip install torch_geometric"):
        batch.to_pyg()


@pytest.mark.parametrize("window", [-1, 6, 2**40])
def test_a_window_that_is_not_stored_is_no_memory_of_others(tmp_path, window):
    store = store_made_of(tmp_path, random_frames(200), SPEC)
    feed = GraphFeed(
        store, scaler=scaler_of(store), vocabulary=IdVocabulary(ids=np.unique(store.node_id))
    )
    assert len(store.label) == 6
    assert feed.batch(np.array([5])).num_graphs == 1
    with pytest.raises(IndexError, match=str(window)):
        feed.batch(np.array([0, window]))


def test_a_scaler_of_other_features_is_refused(tmp_path):
    store = store_made_of(tmp_path, random_frames(200), SPEC)
    scaler = scaler_of(store)
    fewer = replace(scaler, node_mean=scaler.node_mean[1:], node_scale=scaler.node_scale[1:])
    with pytest.raises(ValueError, match="features of nodes and edges"):
        GraphFeed(store, scaler=fewer, vocabulary=IdVocabulary(ids=np.unique(store.node_id)))


def scaler_of(store):
    return FeatureScaler(
        node_mean=np.zeros(store.node_x.shape[1], np.float32),
        node_scale=np.ones(store.node_x.shape[1], np.float32),
        edge_mean=np.zeros(store.edge_x.shape[1], np.float32),
        edge_scale=np.ones(store.edge_x.shape[1], np.float32),
    )
