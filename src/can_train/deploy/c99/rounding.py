"""How the matrices of networks are stored: as they are, or as whole numbers of eight bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

_LARGEST: Final = 127

_SHRUNK: Final = np.linspace(0.5, 1.0, 51)
"""Shares of the largest weight that are tried as the end of the scale."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounded:
    """A matrix as it is stored.

    Attributes:
        weights: [inputs, outputs], float32 or int8.
        units: What the weights of an output are multiples of [outputs], float32; None: of 1.
    """

    weights: NDArray[np.float32] | NDArray[np.int8]
    units: NDArray[np.float32] | None = None


class Rounding(Protocol):
    """Decides how matrices are stored."""

    def of(self, name: str, weights: NDArray[np.floating]) -> Rounded:
        """A matrix [inputs, outputs] as it is stored, by its name in the tables."""


class Unrounded:
    """Float32."""

    def of(self, name: str, weights: NDArray[np.floating]) -> Rounded:
        """The matrix itself."""
        return Rounded(weights=np.ascontiguousarray(weights, np.float32))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Int8:
    r"""Whole numbers from -127 to 127 and a unit for each output.

    The unit is the one, among some that cut off the largest weights, with the least error of the
    output on benign windows:

    .. math:: \min_s \sum_k E[x_k^2] (w_k - s \, q_k(s))^2, \quad q_k(s) = \mathrm{round}(w_k / s)

    Attributes:
        power: By the matrix's name in the tables: mean square of each input on benign windows
            [inputs]; inputs of other matrices count alike.
    """

    power: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def of(self, name: str, weights: NDArray[np.floating]) -> Rounded:
        """The nearest multiples of the best units."""
        exact = np.asarray(weights, np.float64)
        power = self.power.get(name, np.ones(len(exact)))[:, None]
        largest = np.maximum(np.abs(exact).max(axis=0), np.finfo(np.float32).tiny)
        best, units = np.full(exact.shape[1], np.inf), largest / _LARGEST
        for share in _SHRUNK:
            tried = share * largest / _LARGEST
            error = (power * (exact - tried * _multiples(exact, tried)) ** 2).sum(axis=0)
            units = np.where(error < best, tried, units)
            best = np.minimum(error, best)
        return Rounded(
            weights=_multiples(exact, units).astype(np.int8), units=units.astype(np.float32)
        )


def _multiples(weights: NDArray[np.float64], units: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.clip(np.round(weights / units), -_LARGEST, _LARGEST))
