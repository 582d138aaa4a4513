"""Window graphs for the tests of models and losses, and a small prepared dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from can_train.dataset.manifest import DatasetManifest
from can_train.graphs.batch import GraphBatch
from tests.unit.datasets_for_tests import two_vehicles


def _random_batch(
    nodes: tuple[int, ...] = (5, 3, 8),
    *,
    channels: int = 20,
    edge_channels: int = 12,
    seed: int = 0,
) -> GraphBatch:
    """One graph per entry of `nodes`: a cycle through its nodes, a self-edge and random edges."""
    generator = torch.Generator().manual_seed(seed)
    edges: list[Tensor] = []
    offset = 0
    for count in nodes:
        order = torch.arange(count)
        cycle = torch.stack([order, (order + 1) % count])
        more = torch.randint(0, count, (2, count), generator=generator)
        edges.append(torch.cat([cycle, torch.zeros(2, 1, dtype=torch.int64), more], 1) + offset)
        offset += count
    edge_index = torch.cat(edges, dim=1)
    return GraphBatch(
        x=torch.randn(offset, channels, generator=generator),
        id_index=torch.randint(0, 76, (offset,), generator=generator),
        edge_index=edge_index,
        edge_attr=torch.randn(edge_index.size(1), edge_channels, generator=generator),
        batch=torch.repeat_interleave(torch.arange(len(nodes)), torch.tensor(nodes)),
        num_graphs=len(nodes),
        y=torch.randint(0, 2, (len(nodes),), generator=generator),
        window=torch.arange(len(nodes)),
    )


def _only_graph(batch: GraphBatch, graph: int) -> GraphBatch:
    """The batch that holds just graph number `graph` of `batch`."""
    node = batch.batch == graph
    edge = node[batch.edge_index[0]]
    first = int(node.nonzero()[0])
    return GraphBatch(
        x=batch.x[node],
        id_index=batch.id_index[node],
        edge_index=batch.edge_index[:, edge] - first,
        edge_attr=batch.edge_attr[edge],
        batch=torch.zeros(int(node.sum()), dtype=torch.int64),
        num_graphs=1,
        y=batch.y[graph : graph + 1],
        window=batch.window[graph : graph + 1],
    )


def _relabelled(batch: GraphBatch, *, seed: int = 1) -> tuple[GraphBatch, Tensor]:
    """Nodes of each graph and all edges in another order; and the old number of each new node."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(batch.x.size(0), generator=generator)
    old = shuffled[torch.argsort(batch.batch[shuffled], stable=True)]
    new = torch.argsort(old)
    edges = torch.randperm(batch.edge_index.size(1), generator=generator)
    return (
        GraphBatch(
            x=batch.x[old],
            id_index=batch.id_index[old],
            edge_index=new[batch.edge_index[:, edges]],
            edge_attr=batch.edge_attr[edges],
            batch=batch.batch,
            num_graphs=batch.num_graphs,
            y=batch.y,
            window=batch.window,
        ),
        old,
    )


@pytest.fixture
def random_batch() -> Callable[..., GraphBatch]:
    return _random_batch


@pytest.fixture
def only_graph() -> Callable[[GraphBatch, int], GraphBatch]:
    return _only_graph


@pytest.fixture
def relabelled() -> Callable[[GraphBatch], tuple[GraphBatch, Tensor]]:
    return _relabelled


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DatasetManifest]:
    """A data root, and the dataset in it; tests of one module share it."""
    root = tmp_path_factory.mktemp("data")
    return root, two_vehicles(tmp_path_factory.mktemp("source"), root)
