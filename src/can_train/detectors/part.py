"""Which part of each batch a process computes, where several train one run together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.batching import BatchBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlace:
    """One of several processes.

    Attributes:
        rank: Its number, from 0.
        size: How many there are.
    """

    rank: int
    size: int

    def part(self, windows: int) -> slice:
        """Its part of a batch: all parts together are the batch, and differ by one window at most.

        The first process has a window wherever there is one.
        """
        first, behind = (-(-windows * rank // self.size) for rank in (self.rank, self.rank + 1))
        return slice(first, behind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How much of the whole batch a process's part is.

    Attributes:
        windows: Windows of the whole batch.
        of: Its share, by what a term of the loss is a mean over.
    """

    windows: int
    of: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOrder:
    """What an epoch trains on, as the first process tells the others.

    Attributes:
        epoch: The epoch, from 0.
        windows: Its windows, in training order [n], int64.
        cuts: Where each batch begins, and n [batches + 1], int64.
        budget: What a batch holds.
        rate_scale: What the learning rate is multiplied by.
    """

    epoch: int
    windows: NDArray[np.int64]
    cuts: NDArray[np.int64]
    budget: BatchBudget
    rate_scale: float
