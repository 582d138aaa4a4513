"""The trained detectors that one evaluation compares: the run's own and those it was built on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.config.frozen import FrozenConfig, frozen_config_of
from can_train.config.schema import Parent
from can_train.config.spec import spec_of
from can_train.detectors.artifact import load_detector
from can_train.detectors.base import Detector
from can_train.detectors.calibration import Threshold
from can_train.detectors.frame_scorer import ModuleFrameScorer
from can_train.detectors.level import levelled
from can_train.detectors.parents import experts_of
from can_train.detectors.scoring import score_windows
from can_train.graphs.store import GraphStore
from can_train.runs.layout import artifact_path
from can_train.runs.made import check_made


@dataclass(frozen=True, slots=True, kw_only=True)
class Experts:
    """Detectors by name, those first that others build on; the evaluated run's own comes last.

    Attributes:
        frozen: The evaluated run.
        detectors: Loaded detectors by name.
        runs: Run id (or file) that each came from, by scorer name.
    """

    frozen: FrozenConfig
    detectors: Mapping[str, Detector]
    runs: Mapping[str, str]

    @property
    def own(self) -> Detector:
        """The detector that the evaluated run made."""
        return self.detectors[self.frozen.config.model]

    @property
    def scorer(self) -> ModuleFrameScorer:
        """The same for the frames of recordings."""
        own = self.own
        return ModuleFrameScorer(own, {n: d for n, d in self.detectors.items() if d is not own})

    @property
    def thresholds(self) -> dict[str, Threshold]:
        """Stored threshold of each scorer."""
        return self.scorer.thresholds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FusionView:
    """B windows as a fusion sees them.

    Attributes:
        excess: Excess of the anomaly detector and of the classifier [B, 2], float64.
        state: What both experts show it [B, S], float64.
    """

    excess: NDArray[np.float64]
    state: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertScores:
    """Scores of B windows by every detector.

    Attributes:
        by_scorer: Score of each [B], float64, by scorer name.
        p_value: How rare that is among benign windows, without what calm recordings get added and
            doubt takes off [B], float64, by scorer name.
        fusion: What the evaluated fusion saw; None where the run is none.
    """

    by_scorer: Mapping[str, NDArray[np.float64]]
    p_value: Mapping[str, NDArray[np.float64]]
    fusion: FusionView | None


def load_experts(run_dir: Path) -> Experts:
    """Loads the run's detector and, verified by hash, those it was built on.

    Raises:
        ArtifactError: One of them is missing, or isn't the file that the run was built on.
    """
    check_made(run_dir)
    frozen = frozen_config_of(run_dir)
    config = frozen.config
    own = load_detector(artifact_path(run_dir, config.model, config.model_size))
    experts = experts_of(own, frozen.experiment_root, run_dir)
    runs = {spec_of(name).row: _name(parent) for name, parent in config.experts.items()}
    return Experts(
        frozen=frozen,
        detectors={**experts, config.model: own},
        runs={**runs, own.spec.row: run_dir.name},
    )


def score_by_experts(
    experts: Experts, store: GraphStore, windows: NDArray[np.int64]
) -> ExpertScores:
    """Scores `windows` of `store` with every detector."""
    scores = score_windows(experts.detectors.values(), store, windows)
    recording = store.recording[windows]
    found, p_value = dict[str, NDArray[np.float64]](), dict[str, NDArray[np.float64]]()
    for name, detector in experts.detectors.items():
        margin = scores[name].score
        doubt = scores[name].doubt
        found[detector.spec.row] = levelled(margin, doubt, recording, detector.threshold)
        p_value[detector.spec.row] = detector.p_value(margin)
    if not experts.own.fuses:
        return ExpertScores(by_scorer=found, p_value=p_value, fusion=None)
    by_role = {spec_of(name).role: said for name, said in scores.items()}
    anomaly, probability = by_role["anomaly"], by_role["probability"]
    view = FusionView(
        excess=np.stack([anomaly.excess, probability.excess], axis=1),
        state=scores[experts.own.config.model].state,
    )
    return ExpertScores(by_scorer=found, p_value=p_value, fusion=view)


def _name(parent: Parent) -> str:
    return parent.run_id or Path(parent.path or "").name
