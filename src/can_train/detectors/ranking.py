"""How well scores rank: figures that stages judge an epoch by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def average_precision(label: NDArray[np.integer], score: NDArray[np.floating]) -> float:
    """Area under the precision-recall curve as a sum of steps, ties taken together.

    AP = sum over thresholds n of (R_n - R_{n-1}) P_n. The tests hold it against scikit-learn's,
    whose import costs a worker as much as all of its own modules.

    Args:
        label: 0 or 1, both present [B].
        score: Higher is more suspicious [B].
    """
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(label[order], dtype=np.float64)[ends]
    precision = hits / (ends + 1.0)
    recall = np.concatenate([[0.0], hits / hits[-1]])
    return float(np.sum(np.diff(recall) * precision))
