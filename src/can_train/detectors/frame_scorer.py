"""From the frames of a recording to scores and alarms, by a trained detector.

Graphs are built in one causal pass from the recording's first frame, as for evaluation, and scored
in the same batches: on the same recording both give the same numbers, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.config.frozen import frozen_config_of
from can_train.detectors.artifact import load_detector
from can_train.detectors.base import Detector
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import CalibrationEvidence
from can_train.detectors.known_vehicle import ROW as PROFILE
from can_train.detectors.level import Levelling
from can_train.detectors.parents import experts_of
from can_train.detectors.scoring import SCORING_BATCH, score_windows
from can_train.frames.frame import Frames
from can_train.graphs.build import graphs_in_turn
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.identity import WindowSpec
from can_train.runs.find import find_run
from can_train.runs.layout import artifact_path, is_run, roots_from
from can_train.runs.made import check_made
from can_train.teachers.files import recorded_sha256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredWindows:
    """B windows of one recording, in order, and what every scorer says about them.

    Attributes:
        start: First frame of each window in the recording [B], int64.
        start_s: Timestamp of that frame [B], float64.
        end_s: Timestamp of its last frame [B], float64.
        label: 1 where any of its frames is labelled as an attack [B], uint8.
        score: By scorer: unbounded margin of each window [B], float64; higher is more suspicious.
        p_value: By scorer: how rare that is among benign windows [B], float64, in (0, 1].
        alarm: By scorer: whether that is above the stored threshold [B], bool.
    """

    start: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    label: NDArray[np.uint8]
    score: Mapping[str, NDArray[np.float64]]
    p_value: Mapping[str, NDArray[np.float64]]
    alarm: Mapping[str, NDArray[np.bool_]]

    def __len__(self) -> int:
        """B."""
        return len(self.start)


class FrameScorer:
    """A trained detector, with those that it fuses, for the frames of whole recordings.

    Args:
        own: The detector.
        experts: Those that it fuses, by name; empty for one that scores graphs itself.
    """

    def __init__(self, own: Detector, experts: Mapping[str, Detector]) -> None:
        self.own = own
        self.detectors = {**experts, own.config.model: own}

    @property
    def spec(self) -> WindowSpec:
        """How frames become the graphs that it was trained on."""
        return WindowSpec.of(self.own.config.data)

    @property
    def thresholds(self) -> dict[str, Threshold]:
        """Stored threshold by scorer; the names are those of evaluations, its own comes last."""
        known = self.own.vehicles
        profile = {} if known is None else {PROFILE: known.threshold}
        return profile | {d.spec.row: d.threshold for d in self.detectors.values()}

    @property
    def evidence(self) -> dict[str, CalibrationEvidence]:
        """What each threshold rests on, by scorer."""
        known = self.own.vehicles
        profile = {} if known is None else {PROFILE: known.evidence}
        return profile | {d.spec.row: d.evidence for d in self.detectors.values()}

    def score(
        self, frames: Frames, watch: Callable[[PackedGraphs], None] | None = None
    ) -> ScoredWindows:
        """Scores every full window of one recording; needs memory for a part of it at a time.

        Args:
            frames: The whole recording: what an ID did before decides how its frames look.
            watch: Takes the graphs of each part, in order, for whoever wants more than scores.

        Returns:
            No windows (B = 0) where the recording is shorter than a window.
        """
        parts = []
        for graphs in graphs_in_turn(frames, self.spec, SCORING_BATCH):
            said = score_windows(self.detectors.values(), graphs, np.arange(len(graphs)))
            score = {self.detectors[name].spec.row: found.score for name, found in said.items()}
            parts.append((graphs.start, graphs.start_s, graphs.attack_fraction > 0, score))
            if watch is not None:
                watch(graphs)
        starts, times, labels, scores = zip(*parts, strict=True)
        start = np.concatenate(starts)
        score = self._of_profile(frames, start)
        for detector in self.detectors.values():
            row = detector.spec.row
            whole = np.concatenate([part[row] for part in scores])
            score[row] = Levelling(detector.threshold).follow(whole)
        return ScoredWindows(
            start=start,
            start_s=np.concatenate(times),
            end_s=frames.timestamp[start + self.spec.window - 1],
            label=np.concatenate(labels).astype(np.uint8),
            score=score,
            p_value=self._p_values(score),
            alarm={name: score[name] > at.value for name, at in self.thresholds.items()},
        )

    def _of_profile(
        self, frames: Frames, start: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        known = self.own.vehicles
        return {} if known is None else {PROFILE: known.score(frames, start, self.spec.window)}

    def _p_values(self, score: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        return {name: said.p_value(score[name]) for name, said in self.evidence.items()}


def open_detector(name: str | Path, *, experiment_root: str | Path | None = None) -> FrameScorer:
    """A trained detector by its run or file; a fusion comes with the detectors that it fuses.

    Args:
        name: A run as commands take it (id, the beginning of one, folder), or a `.pth` file.
        experiment_root: Where runs lie; absent: where the run says, else `experimentruns` beside
            the launcher.

    Raises:
        PreflightError: No run, or several, are called so.
        ArtifactError: A file is missing, damaged, or not the one that a fusion was built on.
    """
    path, root = Path(name), Path(experiment_root or roots_from().experiments)
    if path.suffix != ".pth":
        run = find_run(root, str(name))
        check_made(run)
        config = frozen_config_of(run).config
        path = artifact_path(run, config.model, config.model_size)
    own = load_detector(path, sha256=recorded_sha256(path))
    if not own.fuses:
        return FrameScorer(own, {})
    return FrameScorer(own, experts_of(own, root if experiment_root else _root_of(path), path))


def _root_of(artifact: Path) -> Path:
    """Where runs lie, as the run says that holds `artifact`; beside the launcher if none does."""
    run = artifact.absolute().parent.parent
    if not is_run(run):
        return roots_from().experiments
    return frozen_config_of(run).experiment_root
