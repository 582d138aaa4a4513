"""Any detector on single windows, by its module: for those that have no compiled form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from can_train.detectors.base import Detector, Scores
from can_train.detectors.window_scorer import WindowScorer, builder_of
from can_train.graphs.batch import RawGraphs
from can_train.graphs.kernels.live import LiveGraph


class ModuleWindowScorer(WindowScorer):
    """Scores batches of one window; slower than a compiled scorer by a factor of ten or so.

    Args:
        detector: The module.
        experts: Scorers of the detectors that it fuses, by name.
    """

    def __init__(self, detector: Detector, experts: Mapping[str, WindowScorer]) -> None:
        shown = sum(len(expert.state) for expert in experts.values())
        super().__init__(shown if detector.fuses else detector.spec.state_channels)
        self._detector, self._experts = detector, experts

    @torch.no_grad()
    def look(self, graph: LiveGraph) -> None:
        """Scores a window."""
        detector, graphs = self._detector, _tensors(graph)
        if detector.fuses:
            seen = {name: _said(expert) for name, expert in self._experts.items()}
            said = detector.fused(seen, graphs)
        else:
            said = detector(graphs)
        self.score, self.excess = float(said.score[0]), float(said.excess[0])
        self.familiarity, self.doubt = float(said.familiarity[0]), float(said.doubt[0])
        self.state[:] = said.state[0].numpy()


def window_scorers(detectors: Mapping[str, Detector]) -> dict[str, WindowScorer]:
    """What scores single windows, by name: compiled where there is a compiled form.

    Args:
        detectors: By name, those first that others build on.
    """
    found: dict[str, WindowScorer] = {}
    for name, detector in detectors.items():
        build = builder_of(detector.spec)
        experts = {expert: found[expert] for expert in detector.config.experts if detector.fuses}
        found[name] = (
            ModuleWindowScorer(detector, experts)
            if build is None
            else build(detector.trained, experts)
        )
    return found


def _said(expert: WindowScorer) -> Scores:
    return Scores(
        score=torch.tensor([expert.score], dtype=torch.float64),
        excess=torch.tensor([expert.excess], dtype=torch.float64),
        state=torch.from_numpy(expert.state[None].copy()),
        familiarity=torch.tensor([expert.familiarity], dtype=torch.float64),
        doubt=torch.tensor([expert.doubt], dtype=torch.float64),
    )


def _tensors(graph: LiveGraph) -> RawGraphs:
    topology = graph.topology
    nodes, edges = int(topology.nodes[0]), int(topology.edges[0])
    return RawGraphs(
        node_x=torch.from_numpy(graph.node_x[:nodes]),
        node_id=torch.from_numpy(topology.node_id[:nodes].astype(np.int64)),
        edge_x=torch.from_numpy(graph.edge_x[:edges]),
        edge_index=torch.from_numpy(topology.edge_index[:, :edges].astype(np.int64)),
        batch=torch.zeros(nodes, dtype=torch.int64),
        num_graphs=1,
    )
