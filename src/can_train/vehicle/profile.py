"""What the traffic of one vehicle is like: how its IDs tick, and what never changes in them.

A profile is made of whole recordings of one vehicle (`fit.py`) and compared with traffic frame by
frame (`watch.py`). It speaks only where the traffic shows itself to be of that vehicle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import auto, unique
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from can_train.errors import ArtifactError
from can_train.graphs.features import Column

SILENT: Final = -10.0
"""Score where the profile says nothing: another vehicle, or too early to tell."""


@unique
class Trait(Column):
    """What is followed of an ID's timing: mean interval and jitter, both relative to its period."""

    INTERVAL = auto()
    JITTER = auto()


@unique
class Step(Column):
    """A counter in a payload: `(payload[BYTE] >> SHIFT) % MODULUS` grows by SIZE each frame.

    MODULUS 0: the ID has none.
    """

    BYTE = auto()
    SHIFT = auto()
    MODULUS = auto()
    SIZE = auto()


class Known(NamedTuple):
    """A profile's K IDs, in ascending order, as compiled functions take them.

    Attributes:
        ids: Arbitration IDs [K], uint32.
        period: Usual interval [K], seconds; positive.
        low: Smallest usual value of each `Trait` [K, 2]; -inf: not followed.
        high: Largest usual value [K, 2]; inf: not followed.
        unit: Distance outside of them that counts as 1 [K, 2].
        constant: Payload bits that never change [K, P / 8], uint64.
        value: Those bits [K, P / 8], uint64.
        fixed: Whether they stay so on further drives, too [K], bool.
        lengths: Bit d is set if the ID is sent with DLC d (63: 63 and 64) [K], uint64.
        counter: `Step` of each ID [K, 4], int64.
        punctual: Whether it hardly ever breaks its rhythm [K], bool.
        core: Whether the vehicle is recognised by this ID [K], bool.
    """

    ids: NDArray[np.uint32]
    period: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    unit: NDArray[np.float64]
    constant: NDArray[np.uint64]
    value: NDArray[np.uint64]
    fixed: NDArray[np.bool_]
    lengths: NDArray[np.uint64]
    counter: NDArray[np.int64]
    punctual: NDArray[np.bool_]
    core: NDArray[np.bool_]


_DTYPES: Final = {
    "ids": "uint32", "period": "float64", "low": "float64", "high": "float64", "unit": "float64",
    "constant": "uint64", "value": "uint64", "fixed": "bool", "lengths": "uint64",
    "counter": "int64", "punctual": "bool", "core": "bool",
}  # fmt: skip


_FAMILIAR: Final = "familiar"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VehicleProfile:
    """The profile of one vehicle.

    Attributes:
        vehicle: Its name, as in `Recording.vehicle`.
        known: The IDs that are followed.
        familiar: All IDs that it was seen to send, ascending [M], uint32.
    """

    vehicle: str
    known: Known
    familiar: NDArray[np.uint32]

    def __len__(self) -> int:
        """Number of IDs, K."""
        return len(self.known.ids)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, in types that every reader of artifacts has."""
        arrays = {**self.known._asdict(), _FAMILIAR: self.familiar}
        return {name: _plain(array) for name, array in arrays.items()}

    @classmethod
    def from_arrays(cls, vehicle: str, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restores a profile from what `to_arrays` gave.

        Raises:
            ArtifactError: The arrays aren't a profile.
        """
        if set(arrays) != {*_DTYPES, _FAMILIAR}:
            raise ArtifactError(
                f"vehicle profile of {vehicle}: holds {', '.join(sorted(arrays)) or 'nothing'}; "
                f"needed: {', '.join([*_DTYPES, _FAMILIAR])}. Train this model again"
            )
        if len({len(arrays[name]) for name in _DTYPES}) != 1:
            raise ArtifactError(
                f"vehicle profile of {vehicle}: arrays of different lengths. Train this model again"
            )
        known = {name: _typed(arrays[name], dtype) for name, dtype in _DTYPES.items()}
        familiar = _typed(arrays[_FAMILIAR], "uint32")
        return cls(vehicle=vehicle, known=Known(**known), familiar=familiar)


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """An array without unsigned 32- and 64-bit integers, which torch hardly knows."""
    if array.dtype == np.uint64:
        return array.view(np.int64)
    return array.astype(np.int64) if array.dtype == np.uint32 else array


def _typed(array: NDArray[Any], dtype: str) -> NDArray[Any]:
    """What `_plain` was given."""
    if dtype == "uint64":
        return np.ascontiguousarray(array, np.int64).view(np.uint64)
    return np.ascontiguousarray(array, dtype)
