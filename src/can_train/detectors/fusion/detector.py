"""The fusion as a detector: one margin of an anomaly detector and a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from can_train.config.schema import Architecture, FusionConfig, RunConfig
from can_train.config.spec import spec_of
from can_train.detectors.base import Detector, NetworkShape, Scores
from can_train.detectors.calibration import Threshold
from can_train.detectors.fusion.policies import LinearFusion, fusion_network
from can_train.detectors.fusion.rhythm import rhythm
from can_train.graphs.batch import RawGraphs


class FusionDetector(Detector):
    """Scores windows by what its policy makes of two experts (docs/models/dqn.md).

    Extras: `state_mean` and `state_scale` of the states that it was fitted on [S].
    """

    EXTRAS: ClassVar[frozenset[str]] = frozenset({"state_mean", "state_scale"})
    fuses: ClassVar[bool] = True

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.state_mean = nn.Buffer(torch.from_numpy(self.extras["state_mean"]))
        self.state_scale = nn.Buffer(torch.from_numpy(self.extras["state_scale"]))
        names = {spec_of(name).role: name for name in self.config.experts}
        self._anomaly, self._probability = names["anomaly"], names["probability"]

    @classmethod
    def build_network(cls, architecture: Architecture, shape: NetworkShape) -> nn.Module:
        """The agent, freshly initialised."""
        return fusion_network("dqn", architecture, shape.state_channels)

    @classmethod
    def network_for(cls, config: RunConfig, shape: NetworkShape) -> nn.Module:
        """The network of the run's policy."""
        policy = (config.fusion or FusionConfig()).fusion_policy
        return fusion_network(policy, config.architecture, shape.state_channels)

    def threshold_of_experts(
        self, experts: Mapping[str, Detector], real: Threshold
    ) -> Threshold | None:
        """Of the maximum, where its excess is 0: the classifier's, supported, or the rhythm's.

        Another one, from the same recordings as the experts' own, would only add its own chance.
        """
        if not isinstance(self.network, LinearFusion) or self.network.policy != "maximum":
            return None
        probability = experts[self._probability]
        its, value = probability.threshold, self.network.bias.item()
        scale = self.network.weight.item() / probability.yardstick.unit
        return replace(
            real,
            value=value,
            exact=its.exact or its.rule == "robust",
            benign_windows=its.benign_windows,
            rule="experts",
            robust_value=value,
            relief=scale * its.relief,
            level=None if its.level is None else value - scale * (its.trained - its.level),
        )

    def _doubt(self, excess: Tensor) -> Tensor:
        """Of excesses [B, 3]."""
        if not isinstance(self.network, LinearFusion):
            return torch.zeros_like(excess[:, 0])
        return self.network.doubt(excess)

    def fused(self, seen: Mapping[str, Scores], graphs: RawGraphs) -> Scores:
        """The fused margin; the state is what the policy saw."""
        anomaly, probability = seen[self._anomaly], seen[self._probability]
        state = torch.cat([anomaly.state, probability.state], dim=1)
        excess = torch.stack([anomaly.excess, probability.excess, rhythm(graphs)], dim=1)
        fused: Tensor = self.network((state - self.state_mean) / self.state_scale, excess)
        score = self.relieved(fused, anomaly.familiarity)
        return Scores(
            score=score,
            excess=self.excess(score, anomaly.familiarity),
            state=state,
            familiarity=anomaly.familiarity,
            doubt=self._doubt(excess),
        )
