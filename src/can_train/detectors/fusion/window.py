"""The fusion on single windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from can_train.config.schema import FusionConfig
from can_train.config.spec import spec_of
from can_train.detectors.kernels.stacks import DenseStack, LayerRoom
from can_train.detectors.kernels.window_fusion import (
    ACTIONS,
    FusionParts,
    Policy,
    fuse,
    rhythm_excess,
)
from can_train.detectors.window_scorer import (
    TrainedDetector,
    WindowScorer,
    dense_stack,
    layers_of,
    require_ends,
    require_shape,
)
from can_train.graphs.kernels.live import LiveGraph


class FusionWindowScorer(WindowScorer):
    """Fused margin of what two experts said of the window.

    Args:
        trained: A fusion.
        anomaly: The anomaly detector.
        probability: The classifier.
    """

    def __init__(
        self, trained: TrainedDetector, anomaly: WindowScorer, probability: WindowScorer
    ) -> None:
        super().__init__(len(anomaly.state) + len(probability.state))
        self._anomaly, self._probability = anomaly, probability
        self._knows_rhythm = trained.config.data.features == "relational"
        policy = (trained.config.fusion or FusionConfig()).fusion_policy
        agent = dense_stack(trained.weights, layers_of(trained.weights, "agent.layers"))
        shown = len(self.state)
        if len(agent.widths) > 1:
            require_ends("agent", agent, shown, ACTIONS)
        for name in ("state_mean", "state_scale"):
            require_shape(name, trained.extras[name], (shown,))
        weight = _linear(trained.weights)
        linear = {Policy.DQN: 0, Policy.LOGISTIC: shown + 1}.get(Policy[policy.upper()], 2)
        require_shape("weight", weight, (linear,))
        self._parts = FusionParts(
            policy=int(Policy[policy.upper()]),
            mean=np.ascontiguousarray(trained.extras["state_mean"], np.float64),
            scale=np.ascontiguousarray(trained.extras["state_scale"], np.float64),
            agent=agent,
            weight=weight,
            experience=trained.experience,
        )
        self._room = _room(agent)

    def _rhythm(self, graph: LiveGraph) -> float:
        """How early the window's earliest frame is; -1 where the features know nothing of time."""
        if not self._knows_rhythm:
            return -1.0
        return float(rhythm_excess(graph.node_x, graph.topology.nodes[0]))

    def look(self, graph: LiveGraph) -> None:
        """Scores a window that the experts have looked at."""
        one, other, shown = self._anomaly, self._probability, len(self._anomaly.state)
        self.state[:shown], self.state[shown:] = one.state, other.state
        self.familiarity = one.familiarity
        self.score, self.excess, self.doubt = fuse(
            self._parts,
            self.state,
            (one.excess, other.excess, self._rhythm(graph)),
            self.familiarity,
            self._room,
        )


def window_scorer(
    trained: TrainedDetector, experts: Mapping[str, WindowScorer]
) -> FusionWindowScorer:
    """That of a trained fusion."""
    by_role = {spec_of(name).role: scorer for name, scorer in experts.items()}
    return FusionWindowScorer(trained, by_role["anomaly"], by_role["probability"])


def _linear(weights: Mapping[str, NDArray[np.floating]]) -> NDArray[np.float64]:
    """Weights and bias of a linear policy; none of an agent."""
    parts = [weights[name].ravel() for name in ("weight", "bias") if name in weights]
    return np.concatenate([np.zeros(0), *parts]).astype(np.float64)


def _room(agent: DenseStack) -> LayerRoom:
    return LayerRoom.of(1, int(agent.widths.max()), 0, 0)
