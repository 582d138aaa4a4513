"""From the frames of a recording to scores and alarms, by a trained detector.

Graphs are built in one causal pass from the recording's first frame, as for evaluation, and scored
by modules in the same batches, which gives the same numbers, bit for bit; or (`compiled_scorer.py`)
window by window in compiled loops, without torch (to 1e-5).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.rule import DEFAULT_RULE, AlarmRule
from can_train.config.schema import RunConfig
from can_train.config.spec import Spec
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import CalibrationEvidence
from can_train.detectors.known_vehicle import ROW as PROFILE
from can_train.detectors.known_vehicle import KnownVehicles
from can_train.detectors.level import Levelling
from can_train.detectors.window_scorer import TrainedDetector, WindowScorer
from can_train.frames.frame import Frames
from can_train.graphs.build import graphs_in_turn
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.identity import WindowSpec

if TYPE_CHECKING:
    from can_train.detectors.base import Detector

SCORING_BATCH: Final = 256
"""Windows per forward pass when scoring, fewer where memory runs out; changes memory and speed
only."""


class CalibratedDetector(Protocol):
    """What a module and its arrays have in common."""

    config: RunConfig
    threshold: Threshold
    evidence: CalibrationEvidence
    vehicles: KnownVehicles | None
    sha256: str

    @property
    def spec(self) -> Spec:
        """What kind of detector it is."""

    @property
    def trained(self) -> TrainedDetector:
        """Its arrays."""


class WindowMargins(NamedTuple):
    """What one detector says about B windows, each alone.

    Attributes:
        margin: Unbounded margins [B], float64.
        doubt: What is taken off those that stay below the threshold [B], float64.
    """

    margin: NDArray[np.float64]
    doubt: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredWindows:
    """B windows of one recording, in order, and what every scorer says about them.

    Attributes:
        start: First frame of each window in the recording [B], int64.
        start_s: Timestamp of that frame [B], float64.
        end_s: Timestamp of its last frame [B], float64.
        label: 1 where any of its frames is labelled as an attack [B], uint8.
        score: By scorer: unbounded margin of each window [B], float64; higher is more suspicious.
        levelled: By scorer: the same without what doubt takes off below the threshold [B], float64.
        p_value: By scorer: how rare the margin is among benign windows, without what a calm
            recording gets added and doubt takes off [B], float64, in (0, 1].
        alarm: By scorer: whether the score is above the stored threshold [B], bool.
    """

    start: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    label: NDArray[np.uint8]
    score: Mapping[str, NDArray[np.float64]]
    levelled: Mapping[str, NDArray[np.float64]]
    p_value: Mapping[str, NDArray[np.float64]]
    alarm: Mapping[str, NDArray[np.bool_]]

    def __len__(self) -> int:
        """B."""
        return len(self.start)


class FrameScorer(ABC):
    """A trained detector, with those that it fuses, for the frames of whole recordings.

    Args:
        own: The detector.
        experts: Those that it fuses, by name; empty for one that scores graphs itself.
        rule: When windows are an alarm.
    """

    def __init__(
        self,
        own: CalibratedDetector,
        experts: Mapping[str, CalibratedDetector],
        rule: AlarmRule = DEFAULT_RULE,
    ) -> None:
        self.own = own
        self.detectors = {**experts, own.config.model: own}
        self.rule = rule

    @abstractmethod
    def score_graphs(self, graphs: PackedGraphs) -> dict[str, WindowMargins]:
        """What is said about the windows of graphs that were just built, by detector."""

    @abstractmethod
    def window_scorers(self) -> dict[str, WindowScorer]:
        """What scores the single windows of one stream, by detector; new ones."""

    @abstractmethod
    def limit_threads(self) -> None:
        """Takes as many threads in this process as its training was told to."""

    @property
    def spec(self) -> WindowSpec:
        """How frames become the graphs that it was trained on."""
        return WindowSpec.of(self.own.config.data)

    @property
    def trained(self) -> dict[str, TrainedDetector]:
        """The detectors as arrays, by name, those first that others build on."""
        return {name: detector.trained for name, detector in self.detectors.items()}

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
        self,
        frames: Frames,
        watch: Callable[[PackedGraphs, NDArray[np.float64]], None] | None = None,
    ) -> ScoredWindows:
        """Scores every full window of one recording; needs memory for a part of it at a time.

        Args:
            frames: The whole recording: what an ID did before decides how its frames look.
            watch: Takes the graphs of each part with its own scores of them, in order, for whoever
                wants more than scores.

        Returns:
            No windows (B = 0) where the recording is shorter than a window.
        """
        levels = {d.spec.row: Levelling(d.threshold) for d in self.detectors.values()}
        parts = []
        for graphs in graphs_in_turn(frames, self.spec, SCORING_BATCH):
            said = {
                self.detectors[name].spec.row: found
                for name, found in self.score_graphs(graphs).items()
            }
            margin = {row: found.margin for row, found in said.items()}
            levelled = {row: levels[row].add(found) for row, found in margin.items()}
            score = {r: levels[r].doubted(found, said[r].doubt) for r, found in levelled.items()}
            shown = graphs.start, graphs.start_s, graphs.attack_fraction > 0
            parts.append((*shown, margin, levelled, score))
            if watch is not None:
                watch(graphs, score[self.own.spec.row])
        starts, times, labels, *found = zip(*parts, strict=True)
        start = np.concatenate(starts)
        profile = self._of_profile(frames, start)
        margin, levelled, score = (
            profile | {row: np.concatenate([part[row] for part in each]) for row in levels}
            for each in found
        )
        return ScoredWindows(
            start=start,
            start_s=np.concatenate(times),
            end_s=frames.timestamp[start + self.spec.window - 1],
            label=np.concatenate(labels).astype(np.uint8),
            score=score,
            levelled=levelled,
            p_value=self._p_values(margin),
            alarm={name: score[name] > at.value for name, at in self.thresholds.items()},
        )

    def _of_profile(
        self, frames: Frames, start: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        known = self.own.vehicles
        return {} if known is None else {PROFILE: known.score(frames, start, self.spec.window)}

    def _p_values(self, score: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        return {name: said.p_value(score[name]) for name, said in self.evidence.items()}


class ModuleFrameScorer(FrameScorer):
    """Scores by modules, in batches.

    Args:
        own: The detector.
        experts: Those that it fuses, by name.
    """

    def __init__(self, own: Detector, experts: Mapping[str, Detector]) -> None:
        super().__init__(own, experts)
        self.modules = {**experts, own.config.model: own}

    def limit_threads(self) -> None:
        """Takes as many threads in this process as its training was told to."""
        import torch

        torch.set_num_threads(self.own.config.training.threads)

    def score_graphs(self, graphs: PackedGraphs) -> dict[str, WindowMargins]:
        """What is said about the windows of graphs that were just built, by detector."""
        from can_train.detectors.scoring import score_windows

        said = score_windows(self.modules.values(), graphs, np.arange(len(graphs)))
        return {name: WindowMargins(found.score, found.doubt) for name, found in said.items()}

    def window_scorers(self) -> dict[str, WindowScorer]:
        """What scores the single windows of one stream, by detector; new ones."""
        from can_train.detectors.module_scorer import window_scorers

        return window_scorers(self.modules)
