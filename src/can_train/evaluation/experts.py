"""The trained models that one evaluation compares: the run's own and those it was built on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.config.frozen import FrozenConfig, load_frozen
from can_train.config.schema import Parent
from can_train.detectors.base import Artifact, load_artifact
from can_train.detectors.calibration import Threshold
from can_train.detectors.parents import parent_path
from can_train.detectors.scoring import fusion_states, score_fusion, score_gat, score_vgae
from can_train.errors import ArtifactError
from can_train.evaluation.report import SCORER_OF_MODEL
from can_train.graphs.store import GraphStore
from can_train.runs.layout import artifact_path, frozen_of_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Experts:
    """Models by role (`vgae`, `gat`, `dqn`); the evaluated run's own is always among them.

    Attributes:
        frozen: The evaluated run.
        artifacts: Loaded artifacts by model.
        runs: Run id (or file) that each came from, by scorer name.
    """

    frozen: FrozenConfig
    artifacts: dict[str, Artifact]
    runs: dict[str, str]

    @property
    def thresholds(self) -> dict[str, Threshold]:
        """Stored threshold of each scorer."""
        return {SCORER_OF_MODEL[m]: a.threshold for m, a in self.artifacts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertScores:
    """Scores of B windows by every expert.

    Attributes:
        by_scorer: Score of `vgae`, `gat`, `fusion` [B], float64, as far as they exist.
        states: Fusion states [B, 15] where both experts exist, else None.
    """

    by_scorer: dict[str, NDArray[np.float64]]
    states: NDArray[np.float64] | None


def load_experts(run_dir: Path) -> Experts:
    """Loads the run's artifact and, verified by hash, the VGAE and GAT it was built on.

    Raises:
        ArtifactError: One of them is missing, or isn't the file that the run was built on.
    """
    frozen = load_frozen(frozen_of_run(run_dir))
    config = frozen.config
    own = load_artifact(artifact_path(run_dir, config.model, config.model_size))
    artifacts: dict[str, Artifact] = {config.model: own}
    runs = {SCORER_OF_MODEL[config.model]: run_dir.name}
    for role, parent in (("vgae", config.vgae), ("gat", config.gat)):
        if parent is None:
            continue
        path = parent_path(parent, frozen.experiment_root, role)
        artifacts[role] = load_artifact(path, sha256=_built_on(own, role, run_dir))
        runs[role] = _name(parent)
    order = ("vgae", "gat", "dqn")
    return Experts(
        frozen=frozen, artifacts={m: artifacts[m] for m in order if m in artifacts}, runs=runs
    )


def score_windows(experts: Experts, store: GraphStore, windows: NDArray[np.int64]) -> ExpertScores:
    """Scores `windows` of `store` with every expert."""
    artifacts = experts.artifacts
    scores: dict[str, NDArray[np.float64]] = {}
    vgae = score_vgae(artifacts["vgae"], store, windows) if "vgae" in artifacts else None
    gat = score_gat(artifacts["gat"], store, windows) if "gat" in artifacts else None
    if vgae is not None:
        scores["vgae"] = vgae.anomaly
    if gat is not None:
        scores["gat"] = gat.p_attack
    states = None
    if vgae is not None and gat is not None:
        states = fusion_states(vgae, gat)
        if "dqn" in artifacts:
            scores["fusion"] = score_fusion(artifacts["dqn"], vgae, gat)
    return ExpertScores(by_scorer=scores, states=states)


def _built_on(artifact: Artifact, role: str, run_dir: Path) -> str:
    if role not in artifact.parents:
        raise ArtifactError(
            f"{run_dir}: the artifact doesn't say which {role} it was built on. "
            f"Run it again with --force"
        )
    return artifact.parents[role]


def _name(parent: Parent) -> str:
    return parent.run_id or Path(parent.path or "").name
