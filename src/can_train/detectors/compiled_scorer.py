"""From the frames of a recording to scores by compiled loops, window by window, without torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from can_train.alarms.rule import AlarmRule
from can_train.detectors.frame_scorer import FrameScorer, WindowMargins
from can_train.detectors.window_scorer import TrainedDetector, WindowScorer, compiled_scorers
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.kernels.live import LiveGraph
from can_train.graphs.live import graph_room


class CompiledFrameScorer(FrameScorer):
    """Scores window by window in compiled loops; needs no torch.

    Args:
        own: The detector.
        experts: Those that it fuses, by name.
        rule: When windows are an alarm.

    Raises:
        ArtifactError: A detector has no compiled form, or weights of another shape.
    """

    def __init__(
        self, own: TrainedDetector, experts: Mapping[str, TrainedDetector], rule: AlarmRule
    ) -> None:
        super().__init__(own, experts, rule)
        self._scorers = compiled_scorers(self.trained)
        self._graph = graph_room(self.spec)

    def limit_threads(self) -> None:
        """It takes one."""

    def score_graphs(self, graphs: PackedGraphs) -> dict[str, WindowMargins]:
        """What is said about the windows of graphs that were just built, by detector."""
        said = {
            name: WindowMargins(np.empty(len(graphs)), np.empty(len(graphs)))
            for name in self._scorers
        }
        node_ptr, edge_ptr = graphs.node_ptr, graphs.edge_ptr
        for window in range(len(graphs)):
            nodes = slice(node_ptr[window], node_ptr[window + 1])
            edges = slice(edge_ptr[window], edge_ptr[window + 1])
            _place(graphs, nodes, edges, self._graph)
            for name, scorer in self._scorers.items():
                scorer.look(self._graph)
                said[name].margin[window] = scorer.score
                said[name].doubt[window] = scorer.doubt
        return said

    def window_scorers(self) -> dict[str, WindowScorer]:
        """What scores the single windows of one stream, by detector; new ones."""
        return compiled_scorers(self.trained)


def _place(graphs: PackedGraphs, nodes: slice, edges: slice, graph: LiveGraph) -> None:
    """Copies one graph to where window scorers look at it."""
    topology = graph.topology
    count, links = nodes.stop - nodes.start, edges.stop - edges.start
    topology.nodes[0], topology.edges[0] = count, links
    topology.node_id[:count] = graphs.node_id[nodes]
    topology.edge_index[0, :links] = graphs.edge_source[edges]
    topology.edge_index[1, :links] = graphs.edge_target[edges]
    graph.node_x[:count] = graphs.node_x[nodes]
    graph.edge_x[:links] = graphs.edge_x[edges]
