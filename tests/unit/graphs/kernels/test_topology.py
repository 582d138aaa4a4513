"""Nodes and edges of a window."""

from __future__ import annotations

import numpy as np

from can_train.graphs.kernels.topology import FrameNodes, topology_of
from tests.unit.frames_for_tests import make_frames
from tests.unit.graphs.graphs_for_tests import build, edge, node


def test_nodes_and_edges_are_those_of_a_hand_written_window():
    frames = make_frames([0, 1, 2, 3, 4], [7, 5, 7, 7, 5])
    graphs = build(frames, features="classic", window=5, stride=5)
    assert graphs.node_id.tolist() == [7, 5]
    # 7->5 twice, 5->7, 7->7
    assert graphs.edge_source.tolist() == [0, 1, 0]
    assert graphs.edge_target.tolist() == [1, 0, 0]
    assert edge(graphs, "classic", "count").tolist() == [2, 1, 1]
    assert edge(graphs, "classic", "has_reverse_edge").tolist() == [1, 1, 1]
    assert node(graphs, "classic", "occurrence_count").tolist() == [3, 2]
    assert node(graphs, "classic", "last_position").tolist() == [0.75, 1.0]


def test_an_edge_has_a_reverse_where_its_own_graph_has_the_other_direction():
    slots = np.random.default_rng(0).integers(0, 12, 5000).astype(np.int32)
    frames = FrameNodes(slots, slots.astype(np.uint32), np.zeros(5000, np.uint8), 12)
    graphs = topology_of(frames, np.arange(0, 4950, 25), 50)
    begin = 0
    for edges in graphs.edges.tolist():
        pairs = list(zip(*graphs.edge_index[:, begin : begin + edges].tolist(), strict=True))
        reverse = [(target, source) in pairs for source, target in pairs]
        assert graphs.has_reverse[begin : begin + edges].tolist() == reverse
        begin += edges
    assert begin == len(graphs.has_reverse)
