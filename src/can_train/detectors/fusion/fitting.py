"""Fits the policies that have a closed problem: log odds, linear in numbers that rise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from can_train.threads import one_thread

RIDGE: Final = 1e-3
"""Weight of the squared weights beside the mean loss of a window."""

_ITERATIONS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearFit:
    """Log odds: features times `weight` plus `bias`.

    Attributes:
        weight: Never negative [C], float64.
        bias: Added to all.
    """

    weight: NDArray[np.float64]
    bias: float


def balanced_weights(label: NDArray[np.integer], group: NDArray[np.integer]) -> NDArray[np.float64]:
    """Weights of windows [B] that give each class in each group the same total; they sum to 1.

    Args:
        label: Class of each window [B].
        group: Where it comes from [B], such as real or synthetic.
    """
    _, cell = np.unique(np.stack([label, group]), axis=1, return_inverse=True)
    number = np.bincount(cell.ravel())
    return np.asarray(1.0 / (len(number) * number[cell.ravel()]))


def fit_linear(
    features: NDArray[np.float64], label: NDArray[np.integer], weights: NDArray[np.float64]
) -> LinearFit:
    r"""Logistic regression whose weights are never negative.

    .. math:: \min_{w \ge 0, b} \sum_i c_i \log(1 + e^{-y_i (w^T x_i + b)}) + \lambda \|w\|^2,
       \quad y_i = \pm 1

    With features that rise with suspicion the log odds rise with each of them, so a window that is
    nowhere more suspicious than another one never scores higher. L-BFGS-B from zero weights: the
    problem is convex, the result follows from the data alone.

    Args:
        features: [B, C], float64, of comparable size.
        label: 1 for attack windows, else 0 [B].
        weights: Of the windows [B], sum 1.
    """
    from scipy.optimize import minimize  # a third of a CPU-second, for those who fit

    sign = np.where(np.asarray(label) == 1, 1.0, -1.0)

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weight, bias = point[:-1], point[-1]
        against = -sign * (features @ weight + bias)
        pull = -sign * weights * expit(against)
        value = float(weights @ np.logaddexp(0.0, against) + RIDGE * (weight @ weight))
        return value, np.append(features.T @ pull + 2.0 * RIDGE * weight, pull.sum())

    channels = features.shape[1]
    bounds = [*[(0.0, None)] * channels, (None, None)]
    with one_thread():
        found = minimize(
            loss,
            np.zeros(channels + 1),
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            options={"maxiter": _ITERATIONS},
        ).x
    return LinearFit(weight=found[:-1], bias=float(found[-1]))
