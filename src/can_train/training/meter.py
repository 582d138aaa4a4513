"""What an epoch costs: windows per second, where the time goes, and the most memory."""

from __future__ import annotations

import time
from dataclasses import asdict
from itertools import pairwise
from typing import Final

import numpy as np
import torch

from can_train.runs.events import EpochResources
from can_train.training.device import memory_of

PARTS: Final = ("loading", "forward", "backward")
"""Parts of a step in their order; what comes after them is the optimiser's."""

CUDA_EVERY: Final = 16
"""On a CUDA device one of so many steps is measured: each mark in its stream costs microseconds."""

Mark = float | torch.cuda.Event


class EpochMeter:
    """Measures epochs by marks between the parts of their steps.

    On a CPU a mark is a look at the clock. On a CUDA device it is an event in the stream, since
    calls return before their work is done; so nothing is waited for until the epoch has ended.

    Args:
        device: Where the steps are computed.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._memory = device, memory_of(device)
        self._every = CUDA_EVERY if device.type == "cuda" else 1
        self.begin(0)

    def begin(self, windows: int) -> None:
        """An epoch begins in which `windows` windows will be trained on."""
        self._memory.forget_peak()
        self._windows = windows
        self._steps: list[list[Mark]] = []
        self._measured = False
        self._trained_s = 0.0
        self._started = time.perf_counter()

    def start_step(self, step: int) -> None:
        """A step begins, counted from 0."""
        self._measured = step % self._every == 0
        if self._measured:
            self._steps.append([self._mark()])

    def part_done(self) -> None:
        """The next part of the step has ended; after the last of `PARTS`, the step itself."""
        if self._measured:
            self._steps[-1].append(self._mark())

    def drop_step(self) -> None:
        """The step failed; what was measured of it says nothing."""
        if self._measured and self._steps:
            self._steps.pop()

    def trained(self) -> None:
        """All steps of the epoch are done."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self._trained_s = time.perf_counter() - self._started

    def resources(self, epoch: int) -> EpochResources:
        """What the epoch has cost until now."""
        speed = self._windows / self._trained_s if self._windows and self._trained_s else None
        return EpochResources(
            epoch=epoch,
            seconds=round(time.perf_counter() - self._started, 4),
            windows_per_s=None if speed is None else round(speed, 1),
            **{f"{part}_share": share for part, share in zip(PARTS, self._shares(), strict=False)},
            **asdict(self._memory.peaks()),
        )

    def _shares(self) -> list[float]:
        """Share of each part in the measured steps; empty where none was."""
        if not self._steps:
            return []
        spent = np.array([[_seconds(a, b) for a, b in pairwise(step)] for step in self._steps])
        shares: list[float] = (spent.sum(axis=0) / spent.sum()).round(4).tolist()
        return shares

    def _mark(self) -> Mark:
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event


def _seconds(before: Mark, after: Mark) -> float:
    if isinstance(before, float) or isinstance(after, float):
        return float(after) - float(before)  # type: ignore[arg-type]  # both are of one kind
    return float(before.elapsed_time(after)) / 1000.0
