"""Curriculum: which windows an epoch trains on, in order of the benign ones' difficulty."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from can_train.errors import TrainingError, counted


class Pacing(Protocol):
    """How fast benign windows are released."""

    @property
    def start_ratio(self) -> float:
        """Benign windows per attack window in epoch 0."""

    @property
    def end_ratio(self) -> float:
        """Benign windows per attack window from epoch `release_epochs` on."""

    @property
    def release_epochs(self) -> int:
        """Epochs until full release."""

    @property
    def percentile(self) -> float:
        """Benign windows whose score lies above this percentile come first, hardest first."""


def benign_ratio(epoch: int, pacing: Pacing) -> float:
    """Benign windows per attack window in `epoch`, counted from 0: linear, then constant."""
    released = min(epoch / pacing.release_epochs, 1.0)
    return pacing.start_ratio + released * (pacing.end_ratio - pacing.start_ratio)


def epoch_windows(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    epoch: int,
    seed: int,
    pacing: Pacing,
) -> NDArray[np.int64]:
    """Windows of one epoch, in the order in which they are visited.

    All attack windows, each once, and as many benign ones as the ratio allows: first those above
    the percentile of the benign scores, hardest first, so that a later epoch keeps what an earlier
    one had; the others are drawn anew in every epoch, so that none is left out for good.
    A pure function of its arguments.

    Bengio et al., "Curriculum Learning", ICML 2009, for the pacing.

    Args:
        labels: 0 benign, 1 attack [n].
        scores: Anomaly margin of each window [n]; higher is harder.
        epoch: From 0.
        seed: Of the run.
        pacing: Ratios, epochs until full release, percentile (a `CurriculumConfig` is one).

    Returns:
        Positions in `labels` [m], int64, without duplicates, shuffled.

    Raises:
        TrainingError: A class is missing.
        ValueError: The arrays differ in length, or a benign score isn't finite.
    """
    if len(labels) != len(scores):
        raise ValueError(f"{len(labels)} labels, but {len(scores)} scores")
    attack = np.flatnonzero(labels == 1)
    benign = np.flatnonzero(labels == 0)
    if len(attack) == 0 or len(benign) == 0:
        raise TrainingError(
            f"curriculum: the training split has {len(benign):,} benign and "
            f"{counted(len(attack), 'attack window')}; it needs both. See what the recordings "
            "hold: can-train data inspect --modality automotive --dataset NAME"
        )
    if not np.isfinite(scores[benign]).all():
        raise ValueError("scores of benign windows have to be finite")
    generator = np.random.default_rng([seed, epoch])
    wanted = max(1, round(benign_ratio(epoch, pacing) * len(attack)))
    chosen = np.concatenate(
        [attack, _by_difficulty(benign, scores[benign], pacing.percentile, generator)[:wanted]]
    )
    return generator.permutation(chosen).astype(np.int64)


def _by_difficulty(
    benign: NDArray[np.int64],
    scores: NDArray[np.floating],
    percentile: float,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Benign windows in order of release: hard ones by score, then the others at random."""
    hard = scores > np.percentile(scores, percentile)
    hardest_first = np.argsort(-scores[hard], kind="stable")
    return np.concatenate([benign[hard][hardest_first], generator.permutation(benign[~hard])])
