"""Scores of windows by trained detectors, each one's graphs gathered once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray

from can_train.detectors.base import Detector, Scores
from can_train.detectors.counts import scoring_batch
from can_train.detectors.level import levelled
from can_train.detectors.shortage import shortage_in
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.feed import raw_graphs
from can_train.graphs.store import GraphStore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowScores:
    """What one detector says about B windows, as arrays.

    Attributes:
        score: Unbounded margin, which the threshold is for [B], float64.
        excess: How far that lies above the threshold, in units of the detector [B], float64.
        state: What a fusion sees of it [B, S], float64.
        familiarity: How far a window's car is one that was trained on, from 0 to 1 [B], float64.
        doubt: What is taken off a score that stays below its threshold [B], float64.
    """

    score: NDArray[np.float64]
    excess: NDArray[np.float64]
    state: NDArray[np.float64]
    familiarity: NDArray[np.float64]
    doubt: NDArray[np.float64]


@torch.no_grad()
def score_windows(
    detectors: Iterable[Detector], packed: GraphStore | PackedGraphs, windows: NDArray[np.int64]
) -> dict[str, WindowScores]:
    """Scores `windows` [B] of `packed` with every detector, by the detector's name.

    Args:
        detectors: Those that others build on come first.
        packed: Stored graphs, or those that were just built.
        windows: Indices, any order.
    """
    ordered = list(detectors)
    parts: dict[str, list[Scores]] = {detector.config.model: [] for detector in ordered}
    size, done = scoring_batch(detector.network for detector in ordered), 0

    def score_rest() -> None:
        nonlocal done
        while done < len(windows):
            batch = windows[done : done + size]
            for name, scores in _scored(ordered, packed, batch).items():
                parts[name].append(scores)
            done += len(batch)

    while said := shortage_in(score_rest):
        if size == 1:
            raise MemoryError(f"{said}, for a single window")
        size //= 2
    return {detector.config.model: _joined(parts[detector.config.model]) for detector in ordered}


def score_recordings(
    detectors: Iterable[Detector], store: GraphStore, windows: NDArray[np.int64]
) -> dict[str, WindowScores]:
    """The same of whole recordings (or stretches): scores are against the level of each.

    Args:
        detectors: Those that others build on come first.
        store: Stored graphs.
        windows: Indices; those of a recording by time.
    """
    ordered = list(detectors)
    recording = store.recording[windows]
    return {
        name: replace(said, score=levelled(said.score, said.doubt, recording, detector.threshold))
        for detector, (name, said) in zip(
            ordered, score_windows(ordered, store, windows).items(), strict=True
        )
    }


def _scored(
    detectors: list[Detector], packed: GraphStore | PackedGraphs, windows: NDArray[np.int64]
) -> dict[str, Scores]:
    """What every detector says about one batch."""
    graphs, seen = raw_graphs(packed, windows), dict[str, Scores]()
    for detector in detectors:
        scores = detector.fused(seen, graphs) if detector.fuses else detector(graphs)
        seen[detector.config.model] = scores
    return seen


def _joined(parts: list[Scores]) -> WindowScores:
    if not parts:
        none = np.zeros(0)
        return WindowScores(
            score=none, excess=none, state=np.zeros((0, 0)), familiarity=none, doubt=none
        )
    return WindowScores(
        **{
            item.name: torch.cat([getattr(part, item.name) for part in parts]).cpu().numpy()
            for item in fields(WindowScores)
        }
    )
