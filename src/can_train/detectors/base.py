"""A detector: network, scaling, ID vocabulary, calibration and threshold in one module.

`Detector` takes the tensors of stored graphs and gives tensors, so it can be exported as it is. Its
file (`.pth`, the artifact) is self-describing: weights, the run's configuration, ID vocabulary,
feature scaler, calibration, parents' hashes and versions. It is loaded with `weights_only=True`, so
nothing in it can run code, and strictly, so nothing in it is guessed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from can_train.config.schema import Architecture, RunConfig
from can_train.config.spec import Spec, spec_of
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import CalibrationEvidence, yardstick_of
from can_train.detectors.kernels.window import Yardstick
from can_train.detectors.known_vehicle import KnownVehicles
from can_train.detectors.surprise import Surprise
from can_train.detectors.window_scorer import TrainedDetector
from can_train.errors import ArtifactError
from can_train.graphs.batch import RawGraphs, ScaledGraphs
from can_train.graphs.feed import GraphFeed
from can_train.graphs.scaling import SCALED_LIMIT, FeatureScaler, IdVocabulary
from can_train.graphs.store import GraphStore

Extras = dict[str, NDArray[np.float64]]
"""Named arrays that a detector needs beside its weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a detector says about B windows.

    Attributes:
        score: Unbounded margin, which its threshold is for [B], float64; higher is more suspicious.
        excess: How far that lies above the threshold, without relief, in units of `Yardstick` [B],
            float64: 0 is the threshold and -1 a usual benign window, whatever the detector.
        state: What it shows a fusion [B, S], float64; S is `Spec.state_channels`. All of it rises
            with suspicion.
        familiarity: How far a window's car is one that was trained on, from 0 to 1 [B], float64.
        doubt: What is taken off a score that stays below its threshold, once a calm recording has
            got what is added to it [B], float64: how little else there is to suspect.
    """

    score: Tensor
    excess: Tensor
    state: Tensor
    familiarity: Tensor
    doubt: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkShape:
    """What the data decide about a network.

    Attributes:
        node_channels: Width F of a node.
        edge_channels: Width G of an edge.
        num_ids: Entries of the ID vocabulary that the network is fed with; 0: it sees no ID.
        vocabulary_size: Known IDs plus one for unknown.
        state_channels: Numbers that the detectors it builds on show it.
    """

    node_channels: int
    edge_channels: int
    num_ids: int
    vocabulary_size: int
    state_channels: int = 0


class Inputs(nn.Module):
    """Scales features and looks IDs up.

    Args:
        scaler: Standardisation of node and edge features.
        vocabulary: Known arbitration IDs.
    """

    def __init__(self, scaler: FeatureScaler, vocabulary: IdVocabulary) -> None:
        super().__init__()
        self.node_mean = nn.Buffer(torch.from_numpy(scaler.node_mean))
        self.node_scale = nn.Buffer(torch.from_numpy(scaler.node_scale))
        self.edge_mean = nn.Buffer(torch.from_numpy(scaler.edge_mean))
        self.edge_scale = nn.Buffer(torch.from_numpy(scaler.edge_scale))
        self.ids = nn.Buffer(torch.from_numpy(vocabulary.ids.astype(np.int64)))

    def forward(self, graphs: RawGraphs) -> ScaledGraphs:
        """`graphs` as a network takes them."""
        return ScaledGraphs(
            x=_scaled(graphs.node_x, self.node_mean, self.node_scale),
            id_index=self._index(graphs.node_id),
            edge_index=graphs.edge_index,
            edge_attr=_scaled(graphs.edge_x, self.edge_mean, self.edge_scale),
            batch=graphs.batch,
            num_graphs=graphs.num_graphs,
        )

    def _index(self, node_id: Tensor) -> Tensor:
        if not len(self.ids):
            return torch.zeros_like(node_id)
        at = torch.searchsorted(self.ids, node_id).clamp(max=len(self.ids) - 1)
        return torch.where(self.ids[at] == node_id, at + 1, 0)


class Detector(nn.Module):
    """A trained network with all that is needed to use it, in eval mode.

    Args:
        config: Configuration of the run that made it.
        network: The network.
        scaler: Feature scaler (benign training traffic).
        vocabulary: ID vocabulary (benign training traffic).
        extras: Arrays named in `EXTRAS`.
        threshold: Alarm threshold from benign calibration windows.
        evidence: Margins of the calibration windows.
        parents: sha256 of every artifact it was made from, by role.
        vehicles: Profiles of the vehicles that it was trained on; None without regular IDs.
        sha256: Of its file; empty before it is written.
    """

    EXTRAS: ClassVar[frozenset[str]] = frozenset()
    """Names of the arrays that it needs beside its weights."""

    fuses: ClassVar[bool] = False
    """Whether it scores what other detectors say instead of graphs."""

    def __init__(  # noqa: PLR0913 - the parts of a detector; nothing of it is optional to a user
        self,
        *,
        config: RunConfig,
        network: nn.Module,
        scaler: FeatureScaler,
        vocabulary: IdVocabulary,
        extras: Extras,
        threshold: Threshold,
        evidence: CalibrationEvidence,
        parents: Mapping[str, str],
        vehicles: KnownVehicles | None = None,
        sha256: str = "",
    ) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.scaler = scaler
        self.vocabulary = vocabulary
        self.extras = extras
        self.settle(threshold, evidence)
        self.vehicles = vehicles
        self.parents = dict(parents)
        self.sha256 = sha256
        self.inputs = Inputs(scaler, vocabulary)
        self.eval()

    @property
    def spec(self) -> Spec:
        """What kind of detector it is."""
        return spec_of(self.config.model)

    @property
    def trained(self) -> TrainedDetector:
        """What was learnt, as arrays; on the CPU they share its memory."""
        weights = self.network.state_dict()
        return TrainedDetector(
            config=self.config,
            weights={name: weight.detach().cpu().numpy() for name, weight in weights.items()},
            scaler=self.scaler,
            vocabulary=self.vocabulary,
            extras=self.extras,
            threshold=self.threshold,
            evidence=self.evidence,
            parents=self.parents,
            vehicles=self.vehicles,
            sha256=self.sha256,
        )

    @classmethod
    @abstractmethod
    def build_network(cls, architecture: Architecture, shape: NetworkShape) -> nn.Module:
        """A freshly initialised network."""

    @classmethod
    def calibrated(cls, network: nn.Module, feed: GraphFeed, benign: NDArray[np.int64]) -> Extras:
        """Extras that follow from the trained network.

        Args:
            network: The network, in eval mode.
            feed: Source of batches.
            benign: Benign validation windows.
        """
        return {}

    @classmethod
    def network_for(cls, config: RunConfig, shape: NetworkShape) -> nn.Module:
        """A freshly initialised network for the run that `config` describes."""
        return cls.build_network(config.architecture, shape)

    def settle(self, threshold: Threshold, evidence: CalibrationEvidence) -> None:
        """Takes the threshold and the margins of the calibration windows, once they are known."""
        self.threshold = threshold
        self.evidence = evidence
        self._yardstick = yardstick_of(threshold, evidence, self.spec.holds_on_other_cars)
        self.known_car = Surprise(evidence.benign)
        self.other_cars = Surprise(evidence.other_cars)

    @property
    def yardstick(self) -> Yardstick:
        """What its excesses are measured with."""
        return self._yardstick

    def threshold_of_experts(
        self, experts: Mapping[str, Detector], real: Threshold
    ) -> Threshold | None:
        """The threshold that follows from those of the detectors it builds on; None: its own.

        Args:
            experts: These, by their names.
            real: What its own scores of real benign windows ask for.
        """
        return None

    def surprise(self, score: Tensor) -> Tensor:
        """-log p of scores [B] on cars that were trained on, and on any car [B, 2], float64.

        The second is that among benign windows of other cars, where that is less: what is rare on
        the own car alone says nothing about a stranger.
        """
        known = self.known_car(score)
        return torch.stack([known, torch.minimum(known, self.other_cars(score))], dim=1)

    def excess(self, score: Tensor, familiarity: Tensor) -> Tensor:
        """How far scores [B] lie above the threshold, in units of `Yardstick`, float64.

        Args:
            score: Scores [B], float64.
            familiarity: How far each window's car is one that was trained on, from 0 to 1 [B].
        """
        each = self._yardstick
        near = (score - each.threshold) / each.unit
        far = (score - each.far_threshold) / each.far_unit
        return far + familiarity * (near - far)

    def said(
        self,
        score: Tensor,
        *own: Tensor,
        familiarity: Tensor | None = None,
        relies: bool = False,
    ) -> Scores:
        """Scores of B windows with what a fusion sees of them.

        Args:
            score: Unbounded margins [B], float64; the threshold's relief is added to them.
            own: Further numbers that rise with suspicion [B] each, float64.
            familiarity: How far a window's car is one that was trained on, from 0 to 1 [B]; None:
                that can't be told, and counts as 0.
            relies: On a familiar car, the state may hold what is rare there alone.
        """
        if familiarity is None:
            familiarity = torch.zeros_like(score)
        # Relief is left to the fusion, whose own threshold is set on what this gives.
        excess = self.excess(score, familiarity)
        score = self.relieved(score, familiarity)
        surprise = self.surprise(score)
        relied = surprise[:, 1]
        if relies:
            relied = relied + familiarity * (surprise[:, 0] - relied)
        state = torch.stack([score, surprise[:, 0], surprise[:, 1], relied, *own], dim=1)
        return Scores(
            score=score,
            excess=excess,
            state=state,
            familiarity=familiarity,
            doubt=torch.zeros_like(score),
        )

    def relieved(self, score: Tensor, familiarity: Tensor) -> Tensor:
        """Margins [B] that one threshold holds for, on familiar cars and on others."""
        return score + self.threshold.relief * familiarity

    def p_value(self, score: ArrayLike) -> NDArray[np.float64]:
        """p-values in (0, 1], float64, of its scores: how rare they are among benign windows."""
        return self.evidence.p_value(score)

    def forward(self, graphs: RawGraphs) -> Scores:
        """Scores of the windows in `graphs`."""
        return self.scored(self.inputs(graphs))

    def scored(self, graphs: ScaledGraphs) -> Scores:
        """Scores of windows whose features were scaled already.

        Raises:
            TypeError: It scores what others say.
        """
        raise TypeError(f"a {self.config.model} scores no graphs by itself")

    def fused(self, seen: Mapping[str, Scores], graphs: RawGraphs) -> Scores:
        """Scores of windows from what the detectors say of them that it builds on.

        Args:
            seen: What they say, by their names.
            graphs: The windows.

        Raises:
            TypeError: It scores graphs.
        """
        raise TypeError(f"a {self.config.model} builds on no other detector")

    def teach(self, graphs: ScaledGraphs) -> dict[str, Tensor]:
        """What a student of the same kind learns from, by name; first axis: windows or nodes.

        Raises:
            ArtifactError: It has no students.
        """
        raise ArtifactError(f"a {self.config.model} can't be a teacher")

    def feed(self, store: GraphStore) -> GraphFeed:
        """Feed of a store with the scaler and vocabulary that belong to this detector."""
        return GraphFeed(store, scaler=self.scaler, vocabulary=self.vocabulary)


def _scaled(x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    return ((x - mean) / scale).clamp(-SCALED_LIMIT, SCALED_LIMIT)
