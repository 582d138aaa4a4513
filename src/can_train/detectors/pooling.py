"""Pooling of the nodes of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_REDUCE: Final = {"mean": "mean", "max": "amax"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How nodes become one vector per window.

    Attributes:
        first: First node of each window [B + 1], int64; nodes are in order of their windows.
        names: `mean`, `max`; what they give lies side by side.
    """

    first: Tensor
    names: tuple[str, ...]


def pool_plainly(x: Tensor, pooling: Pooling) -> Tensor:
    """Pools nodes by torch's own operations, on any device.

    Args:
        x: Nodes [N, D].
        pooling: How.

    Returns:
        [B, K*D] for K poolings; 0 where a window has no node.
    """
    counts = pooling.first.diff()
    window = torch.arange(len(counts), device=x.device).repeat_interleave(counts)
    place = window[:, None].expand_as(x)
    empty = x.new_zeros(len(counts), x.shape[1])
    return torch.cat(
        [
            empty.scatter_reduce(0, place, x, _REDUCE[name], include_self=False)
            for name in pooling.names
        ],
        dim=1,
    )
