"""How the matrices of networks are stored: as they are, or as whole numbers of eight bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.compiled_scorer import CompiledFrameScorer
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.window_scorer import TrainedDetector

_LARGEST: Final = 127

_SHARES: Final = np.linspace(0.5, 1.0, 51)
"""Parts of the largest weight that are tried as the end of the scale."""

_VECTORS: Final = ("att_src", "att_dst", "edge_score.weight", "bias")
"""Ends of names of what stays in float32: it is small, and attention is exponential in it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounded:
    """A matrix as whole numbers.

    Attributes:
        weights: [inputs, outputs], int8.
        units: What the weights of an output are multiples of [outputs], float32.
    """

    weights: NDArray[np.int8]
    units: NDArray[np.float32]


def rounded(weights: NDArray[np.floating]) -> Rounded:
    r"""A matrix [inputs, outputs] in whole numbers from -127 to 127, with a unit for each output.

    The unit is the one, among some that cut off the largest weights, with the least error:

    .. math:: \min_s \sum_k (w_k - s \, q_k(s))^2, \quad q_k(s) = \mathrm{round}(w_k / s)

    What was rounded already stays what it is.
    """
    exact = np.asarray(weights, np.float64)
    largest = np.maximum(np.abs(exact).max(axis=0), np.finfo(np.float32).tiny * _LARGEST)
    best, units = np.full(exact.shape[1], np.inf), largest
    for share in _SHARES[::-1]:
        tried = (share * largest / _LARGEST).astype(np.float32).astype(np.float64)
        error = ((exact - tried * _multiples(exact, tried)) ** 2).sum(axis=0)
        units = np.where(error < best, tried, units)
        best = np.minimum(error, best)
    return Rounded(weights=_multiples(exact, units).astype(np.int8), units=units.astype(np.float32))


def quantized(detector: FrameScorer) -> CompiledFrameScorer:
    """The detector with rounded matrices; thresholds and calibration stay what they are."""
    parts = {name: _quantized(trained) for name, trained in detector.trained.items()}
    own = parts.pop(detector.own.config.model)
    return CompiledFrameScorer(own, parts, detector.rule)


def _quantized(trained: TrainedDetector) -> TrainedDetector:
    weights: Mapping[str, NDArray[np.floating]] = {
        name: _nearest(weight) if _is_matrix(name, weight) else weight
        for name, weight in trained.weights.items()
    }
    return replace(trained, weights=weights)


def _is_matrix(name: str, weight: NDArray[np.floating]) -> bool:
    return weight.ndim == 2 and not name.endswith(_VECTORS)


def _nearest(weight: NDArray[np.floating]) -> NDArray[np.float32]:
    """A matrix [outputs, inputs], each weight at its whole number of units."""
    found = rounded(weight.T)
    return np.ascontiguousarray((found.weights * found.units).T, np.float32)


def _multiples(weights: NDArray[np.float64], units: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.clip(np.round(weights / units), -_LARGEST, _LARGEST))
