"""What decides the numbers of a packed store, and its address (stdlib only).

Both planes read it: the control plane to tell graphs of one kind from those of another, the
compute plane to find the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from can_train.config.schema import DataConfig

STORE_VERSION: Final = 1
"""Raised whenever the numbers or the layout of a packed store change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """How recordings become graphs.

    Attributes:
        features: Feature set, `classic` or `relational`.
        window: Frames per window (one graph).
        stride: Frames between window starts.
    """

    features: str
    window: int
    stride: int

    @classmethod
    def of(cls, data: DataConfig) -> WindowSpec:
        """That of a run's windows."""
        return cls(features=data.features, window=data.window, stride=data.stride)


def store_key(recording_digests: Sequence[str], spec: WindowSpec) -> str:
    """Content address of a packed store of these recordings, in this order."""
    parts = [
        "store", STORE_VERSION, list(recording_digests), spec.features, spec.window, spec.stride,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
