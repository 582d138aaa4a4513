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
from can_train.errors import ConfigError, did_you_mean
from can_train.vocab import FEATURE_SETS, FeatureSet

STORE_VERSION: Final = 4
"""Raised whenever the numbers or the layout of a packed store change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """How recordings become graphs.

    Attributes:
        features: Feature set, `classic` or `relational`.
        window: Frames per window (one graph).
        stride: Frames between window starts.

    Raises:
        ConfigError: No such feature set, or numbers that make no windows.
    """

    features: FeatureSet
    window: int
    stride: int

    def __post_init__(self) -> None:
        if self.features not in FEATURE_SETS:
            raise ConfigError(
                f"no feature set {self.features}{did_you_mean(self.features, FEATURE_SETS) or '.'} "
                f"Allowed: {', '.join(FEATURE_SETS)}"
            )
        if self.window < 2 or self.stride < 1:
            raise ConfigError(
                f"a window of {self.window} frames every {self.stride} frames can't be. "
                f"Allowed: a window of at least 2, a stride of at least 1"
            )

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
