"""Block-bootstrap intervals of ROC-AUC and F1 for one file.

Neighbouring windows resemble each other, so stretches of consecutive windows are drawn, not
windows (Künsch, The jackknife and the bootstrap for general stationary observations, Annals of
Statistics 17, 1989), here without overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from can_train.threads import one_thread

MOST_BLOCKS: Final = 50
SHORTEST_BLOCK_WINDOWS: Final = 10
FEWEST_BLOCKS: Final = 5
REPLICATES: Final = 1000
LEVEL: Final = 0.95
_KEPT_DRAWS: Final = 8
"""Files of an evaluation have few numbers of blocks; 400 kB each."""

ConfidenceInterval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapIntervals:
    """95 % percentile intervals; `None` where they are undefined.

    Attributes:
        roc_auc: Lower and upper end for ROC-AUC.
        f1: Lower and upper end for F1 of the attack class at the threshold.
    """

    roc_auc: ConfidenceInterval | None
    f1: ConfidenceInterval | None


def block_bootstrap(
    label: ArrayLike, score: ArrayLike, threshold: float, seed: int
) -> BootstrapIntervals:
    """Intervals for one file from 1,000 redraws of its blocks.

    The file is cut into up to 50 equal blocks of at least 10 windows. Both metrics are sums over
    blocks or pairs of blocks, so a redraw only weighs these: its cost doesn't depend on the
    number of windows.

    Args:
        label: 1 for attack windows [B], in order of time.
        score: Scores [B].
        threshold: A window alarms if its score is greater.
        seed: Of the redraws.

    Returns:
        Intervals; `None` with fewer than 5 blocks, or when over half of the redraws lack a class.
    """
    truth = np.asarray(label).ravel() != 0
    scores = np.asarray(score, np.float64).ravel()
    blocks = min(MOST_BLOCKS, len(truth) // SHORTEST_BLOCK_WINDOWS)
    if blocks < FEWEST_BLOCKS:
        return BootstrapIntervals(roc_auc=None, f1=None)
    block = np.arange(len(truth)) * blocks // len(truth)
    weight = _redraws(blocks, seed)
    with one_thread():
        return BootstrapIntervals(
            roc_auc=_roc_auc_interval(truth, scores, block, weight),
            f1=_f1_interval(truth, scores > threshold, block, weight),
        )


@lru_cache(maxsize=_KEPT_DRAWS)
def _redraws(blocks: int, seed: int) -> NDArray[np.float64]:
    """How often each block is in each redraw [1000, blocks]; the same for every scorer."""
    chances = np.full(blocks, 1.0 / blocks)
    drawn = np.random.default_rng(seed).multinomial(blocks, chances, size=REPLICATES)
    weight = drawn.astype(np.float64)
    weight.flags.writeable = False
    return weight


def _roc_auc_interval(
    truth: NDArray[np.bool_],
    score: NDArray[np.float64],
    block: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> ConfidenceInterval | None:
    """AUC of a redraw with weights w: w' A w / (w'p w'n), A the pairs in order per block pair."""
    blocks = weight.shape[1]
    attacks = np.bincount(block[truth], minlength=blocks)
    benign = np.bincount(block[~truth], minlength=blocks)
    in_order = np.zeros((blocks, blocks))
    for other in range(blocks):
        rest = np.sort(score[~truth & (block == other)])
        below = np.searchsorted(rest, score[truth], "left")
        up_to = np.searchsorted(rest, score[truth], "right")
        in_order[:, other] = np.bincount(block[truth], (below + up_to) / 2, minlength=blocks)
    return _interval(
        np.einsum("ri,ij,rj->r", weight, in_order, weight, optimize=True),
        (weight @ attacks) * (weight @ benign),
    )


def _f1_interval(
    truth: NDArray[np.bool_],
    alarm: NDArray[np.bool_],
    block: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> ConfidenceInterval | None:
    """F1 = 2 TP / (attacks + alarms); undefined without attacks."""
    blocks = weight.shape[1]
    hits = np.bincount(block[truth & alarm], minlength=blocks)
    attacks = weight @ np.bincount(block[truth], minlength=blocks)
    alarms = weight @ np.bincount(block[alarm], minlength=blocks)
    return _interval(2 * (weight @ hits), np.where(attacks > 0, attacks + alarms, 0.0))


def _interval(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64]
) -> ConfidenceInterval | None:
    """Percentile interval of the quotients whose denominator isn't 0."""
    defined = denominator > 0
    if 2 * int(np.count_nonzero(defined)) < len(defined):
        return None
    values = numerator[defined] / denominator[defined]
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
