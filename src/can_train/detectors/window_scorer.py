"""Trained detectors as arrays, and what scores single windows with them: without torch.

A detector of `Spec.window_scorer` is the same function as its module to 1e-5, in compiled loops
that allocate nothing (`kernels/window_*.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from can_train.config.schema import RunConfig
from can_train.config.spec import Spec, implementation, spec_of
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import CalibrationEvidence, surprise_table, yardstick_of
from can_train.detectors.kernels.stacks import AttentionStack, DenseStack, Real, Residual
from can_train.detectors.kernels.window import Experience, WindowInputs
from can_train.errors import ArtifactError
from can_train.graphs.kernels.live import LiveGraph
from can_train.graphs.scaling import FeatureScaler, IdVocabulary

if TYPE_CHECKING:
    from can_train.detectors.known_vehicle import KnownVehicles


@dataclass(slots=True, kw_only=True, eq=False)
class TrainedDetector:
    """What an artifact holds, as arrays; `threshold` and `vehicles` may be set for another car.

    Attributes:
        config: Configuration of the run that made it.
        weights: Of its network, by their names in the module.
        scaler: Feature scaler.
        vocabulary: ID vocabulary.
        extras: Further arrays that it needs, by name.
        threshold: Alarm threshold.
        evidence: Margins of the calibration windows.
        parents: sha256 of every artifact it was made from, by role.
        vehicles: Profiles of the vehicles that it was trained on; None without regular IDs.
        sha256: Of its artifact; empty before it is written.
    """

    config: RunConfig
    weights: Mapping[str, NDArray[np.floating]]
    scaler: FeatureScaler
    vocabulary: IdVocabulary
    extras: Mapping[str, NDArray[np.float64]]
    threshold: Threshold
    evidence: CalibrationEvidence
    parents: Mapping[str, str] = field(default_factory=dict)
    vehicles: KnownVehicles | None = None
    sha256: str = ""

    @property
    def spec(self) -> Spec:
        """What kind of detector it is."""
        return spec_of(self.config.model)

    @property
    def experts(self) -> tuple[str, ...]:
        """Names of the detectors whose scores it fuses; empty for one that scores graphs."""
        return tuple(self.config.experts) if self.config.training_strategy == "fusion" else ()

    @property
    def trained(self) -> TrainedDetector:
        """Itself; a module gives its arrays so."""
        return self

    @property
    def inputs(self) -> WindowInputs:
        """How it takes a window's graph."""
        nothing = np.zeros((len(self.vocabulary), 0), np.float32)
        embedding = self.weights.get("embedding.weight", nothing)
        require_shape("embedding.weight", embedding, (len(self.vocabulary), embedding.shape[-1]))
        return WindowInputs(
            node_mean=matrix(self.scaler.node_mean),
            node_scale=matrix(self.scaler.node_scale),
            edge_mean=matrix(self.scaler.edge_mean),
            edge_scale=matrix(self.scaler.edge_scale),
            ids=np.ascontiguousarray(self.vocabulary.ids, np.uint32),
            embedding=matrix(embedding),
        )

    @property
    def experience(self) -> Experience:
        """What its margins are compared with."""
        evidence, threshold = self.evidence, self.threshold
        return Experience(
            known_car=surprise_table(evidence.benign),
            other_cars=surprise_table(evidence.other_cars),
            relief=threshold.relief,
            yardstick=yardstick_of(threshold, evidence, self.spec.holds_on_other_cars),
        )


class WindowScorer(ABC):
    """Scores one window after the other; what it says of the latest one is kept.

    Attributes:
        score: Unbounded margin, which the threshold is for; higher is more suspicious.
        excess: How far that lies above the threshold, in units of its `Yardstick`.
        state: What it shows a fusion [S], float64.
        familiarity: How far the window's car is one that was trained on, from 0 to 1.
        doubt: What is taken off a score that stays below its threshold.
    """

    def __init__(self, state_channels: int) -> None:
        self.score = 0.0
        self.excess = 0.0
        self.familiarity = 0.0
        self.doubt = 0.0
        self.state = np.zeros(state_channels)

    @abstractmethod
    def look(self, graph: LiveGraph) -> None:
        """Scores a window; a fusion takes what its experts said of it."""


WindowScorerBuilder = Callable[[TrainedDetector, Mapping[str, WindowScorer]], WindowScorer]
"""From a trained detector, and the scorers that it builds on by name."""


def compiled_scorers(detectors: Mapping[str, TrainedDetector]) -> dict[str, WindowScorer]:
    """What scores single windows in compiled loops, by name.

    Args:
        detectors: By name, those first that others build on.

    Raises:
        ArtifactError: One of them has no compiled form, or isn't complete.
    """
    found: dict[str, WindowScorer] = {}
    for name, trained in detectors.items():
        build = builder_of(trained.spec)
        if build is None:
            raise ArtifactError(
                f"{name}: has no form without torch (`Spec.window_scorer`). Use its run instead"
            )
        try:
            found[name] = build(trained, {expert: found[expert] for expert in trained.experts})
        except (KeyError, ValueError) as error:
            raise ArtifactError(f"{name}: weights that don't fit it ({error})") from error
    return found


def builder_of(spec: Spec) -> WindowScorerBuilder | None:
    """What makes window scorers of a detector's kind; None where it has no compiled form."""
    if not spec.window_scorer:
        return None
    found: WindowScorerBuilder = implementation(spec.window_scorer)
    return found


def attention_stack(
    weights: Mapping[str, NDArray[np.floating]],
    prefix: str,
    residual: Residual,
    channels: tuple[int, int],
) -> AttentionStack:
    """Layers of `GraphAttention` as compiled functions take them, which trust their sizes.

    Args:
        weights: By their names in the module.
        prefix: Name of the list of layers.
        residual: What layers add that learnt no map of their own.
        channels: Width of a node and of an edge.

    Raises:
        ValueError: A weight is of another shape than those beside it ask for.
    """
    parts: list[NDArray[np.floating]] = []
    sizes: list[list[int]] = []
    inputs, edge_channels = channels
    while f"{prefix}.{len(sizes)}.bias" in weights:
        own = f"{prefix}.{len(sizes)}"
        learned = f"{own}.res.weight" in weights
        _, heads, per_head = weights[f"{own}.att_src"].shape
        width = heads * per_head
        of_layer = {
            "lin.weight": (width, inputs),
            "att_dst": (1, heads, per_head),
            "edge_score.weight": (heads, edge_channels),
            "bias": (width,),
            **({"res.weight": (width, inputs)} if learned else {}),
        }
        for name, shape in of_layer.items():
            require_shape(f"{own}.{name}", weights[f"{own}.{name}"], shape)
        parts += [weights[f"{own}.lin.weight"].T]
        parts += [weights[f"{own}.res.weight"].T] if learned else []
        parts += [weights[f"{own}.att_src"], weights[f"{own}.att_dst"]]
        parts += [weights[f"{own}.edge_score.weight"].T, weights[f"{own}.bias"]]
        kind = Residual.LEARNED if learned else residual
        if kind == Residual.INPUT:
            require_shape(f"{own}.lin.weight", weights[f"{own}.lin.weight"], (width, width))
        sizes.append([inputs, heads, per_head, kind])
        inputs = width
    return AttentionStack(_table(parts), np.array(sizes, np.int64))


def dense_stack(weights: Mapping[str, NDArray[np.floating]], names: Sequence[str]) -> DenseStack:
    """Fully connected layers, by their names, as compiled functions take them.

    Raises:
        ValueError: A weight is of another shape than those beside it ask for.
    """
    parts: list[NDArray[np.floating]] = []
    widths = [weights[f"{names[0]}.weight"].shape[1]] if names else [0]
    for name in names:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        require_shape(f"{name}.weight", weight, (len(bias), widths[-1]))
        parts += [weight.T, bias]
        widths.append(len(bias))
    return DenseStack(_table(parts), np.array(widths, np.int64))


def layers_of(weights: Mapping[str, NDArray[np.floating]], prefix: str) -> list[str]:
    """Names of the layers of a `Dense`, in order."""
    count = sum(name.startswith(f"{prefix}.lins.") and name.endswith(".bias") for name in weights)
    return [f"{prefix}.lins.{number}" for number in range(count)]


def require_shape(name: str, array: NDArray[np.floating], shape: tuple[int, ...]) -> None:
    """Refuses what compiled functions would read beyond.

    Raises:
        ValueError: An array is of another shape.
    """
    if array.shape != shape:
        raise ValueError(f"{name}: shape {array.shape} instead of {shape}")


def require_ends(name: str, layers: DenseStack, inputs: int, outputs: int) -> None:
    """Refuses layers that don't lead from so many numbers to so many.

    Raises:
        ValueError: They don't.
    """
    found = (int(layers.widths[0]), int(layers.widths[-1]))
    if found != (inputs, outputs):
        raise ValueError(f"{name}: from {found[0]} to {found[1]} instead of {inputs} to {outputs}")


def matrix(weight: NDArray[np.floating]) -> Real:
    """A weight as compiled functions take it."""
    return np.ascontiguousarray(weight, np.float32)


def _table(parts: Sequence[NDArray[np.floating]]) -> Real:
    return np.concatenate([np.zeros(0), *(part.ravel() for part in parts)]).astype(np.float32)
